/** Where a browser goes that has just become a site. */
export const AFTER_ACTIVATION = '/diem-cau';
