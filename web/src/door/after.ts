import type { Meeting } from '../protocol/types';

export const SITE_PAGE = '/diem-cau';
export const SELF_TEST = '/kiem-tra';

/**
 * Where a browser goes that has just become a site: to the self-test, which says whether it can do its part; but a
 * meeting that runs does not wait for a test.
 */
export async function afterActivation(meetings: () => Promise<Meeting[]>): Promise<string> {
  const found = await meetings().catch(() => []);
  return found.some((meeting) => meeting.status === 'open') ? SITE_PAGE : SELF_TEST;
}
