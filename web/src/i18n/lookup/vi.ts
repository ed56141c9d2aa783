/** Finding a site and what is known of it at the desk; English beside. */
export const lookup = {
  certain: 'Enter: xem trước · Ctrl Enter: vào hàng chờ lên hình · Shift Enter: chỉ chọn',
  certainCentre: 'Enter: gọi · Ctrl Enter: vào hàng chờ lên hình · Shift Enter: chỉ chọn',
  loud: 'có tiếng',
  end: 'Kết thúc',
  rollNone: 'chưa điểm danh',
  foundBefore: 'Kiểm tra trước đã phát hiện',
  foundMore: 'và {{n}} phát hiện khác',
  keys: {
    findSelect: 'Tìm rồi chỉ chọn: không gọi, không đưa vào xem trước',
    findLineUp: 'Tìm rồi cho vào hàng chờ lên hình',
  },
};
