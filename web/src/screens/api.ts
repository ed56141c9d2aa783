import { http } from '../http';
import type { PicturesQuestion } from '../media/pictureFeed';
import { readPictures, type PicturesAnswer } from '../protocol/pictures';
import type { SavedLayout, ScreenOrder, Show, WallLayout } from '../protocol/types';

const meetingPath = (meeting: string) => `/meetings/${encodeURIComponent(meeting)}`;
const of = (person: string | null) =>
  person === null ? '' : `?${new URLSearchParams({ person }).toString()}`;

/** New pictures of many sites. Raises Failure. */
export async function askPictures(question: PicturesQuestion): Promise<PicturesAnswer> {
  const answer = await http.send('POST', '/pictures', JSON.stringify(question), 'application/json');
  return readPictures(await answer.arrayBuffer());
}

export const listLayouts = async (): Promise<SavedLayout[]> =>
  (await http.json<{ layouts: SavedLayout[] }>('GET', '/wall/layouts')).layouts;

export const saveLayout = (name: string, layout: WallLayout) =>
  http.send('PUT', `/wall/layouts/${encodeURIComponent(name)}`, JSON.stringify(layout), 'application/json');

export const deleteLayout = (name: string) =>
  http.send('DELETE', `/wall/layouts/${encodeURIComponent(name)}`, null, 'application/json');

/** Has a window show or do something. Raises Failure `screen_not_found`, `forbidden`. */
export const drive = (meeting: string, screen: string, order: { show?: Show; do?: ScreenOrder }) =>
  http.send(
    'PUT',
    `${meetingPath(meeting)}/screens/${encodeURIComponent(screen)}`,
    JSON.stringify(order),
    'application/json',
  );

/** A leader's shortlist; one's own without a person. */
export const shortlist = async (meeting: string, person: string | null = null): Promise<string[]> =>
  (await http.json<{ sites: string[] }>('GET', `${meetingPath(meeting)}/shortlist${of(person)}`)).sites;

export const setShortlist = (meeting: string, sites: readonly string[], person: string | null = null) =>
  http.send(
    'PUT',
    `${meetingPath(meeting)}/shortlist${of(person)}`,
    JSON.stringify({ sites }),
    'application/json',
  );
