import type { Link, Queue } from '../protocol/socket';
import type { Meeting, You } from '../protocol/types';

/** Why a camera or a microphone cannot be used. Each has one action on the page. */
export type DeviceFault = 'refused' | 'none' | 'busy' | 'insecure' | 'lost';

export interface SiteFacts {
  link: Link;
  /** It was another machine with this one's key that replaced it. */
  conflict: boolean;
  /** Ms since the link went, null while it stands. */
  downMs: number | null;
  online: boolean;
  /** Where this site stands at the door, while a crowd is let in. */
  queue: Queue | null;
  you: You | null;
  /** The page has had its tap: sound plays and the camera was asked for. */
  armed: boolean;
  camera: DeviceFault | 'off' | 'ok';
  mic: DeviceFault | 'off' | 'ok';
  viewer: 'idle' | 'connecting' | 'up' | 'down' | 'cannot_show';
  publisher: 'idle' | 'connecting' | 'up' | 'down';
}

/** The one thing the page says, legible at three metres. */
export type Face =
  'not_ready' | 'ready' | 'in_meeting' | 'invited' | 'speaking' | 'on_air' | 'entering' | 'away';

/** What is wrong, worst first, each with one action. */
export type Fault =
  | 'replaced'
  | 'device_conflict'
  | 'not_authenticated'
  | 'no_network'
  | 'reconnecting'
  | 'not_armed'
  | 'cannot_show'
  | `camera_${DeviceFault}`
  | `mic_${DeviceFault}`
  | 'picture_lost'
  | 'sending_lost';

export interface SiteView {
  face: Face;
  fault: Fault | null;
}

/** Shorter breaks are not worth a word: most are over before anyone could read it. */
const WORTH_SAYING_MS = 1_500;

export function siteView(facts: SiteFacts): SiteView {
  const fault = faultOf(facts);
  return { face: faceOf(facts, fault), fault };
}

function faultOf(f: SiteFacts): Fault | null {
  if (f.link === 'replaced') return f.conflict ? 'device_conflict' : 'replaced';
  if (f.link === 'not_authenticated') return 'not_authenticated';
  // A browser that says it is offline is right; one that says online may not be.
  if (!f.online) return 'no_network';
  // In the queue everything is as it should be: the server says when.
  if (f.queue !== null && f.armed) return null;
  if (f.queue === null && f.link !== 'open' && f.downMs !== null && f.downMs > WORTH_SAYING_MS)
    return 'reconnecting';
  if (!f.armed) return 'not_armed';
  if (f.viewer === 'cannot_show') return 'cannot_show';
  // A microphone is needed to speak, a camera only to be seen: the microphone's fault goes first.
  if (isFault(f.mic)) return `mic_${f.mic}`;
  if (isFault(f.camera)) return `camera_${f.camera}`;
  if (f.publisher === 'down') return 'sending_lost';
  if (f.viewer === 'down') return 'picture_lost';
  return null;
}

const isFault = (state: DeviceFault | 'off' | 'ok'): state is DeviceFault =>
  state !== 'off' && state !== 'ok';

function faceOf(f: SiteFacts, fault: Fault | null): Face {
  if (
    fault === 'replaced' ||
    fault === 'device_conflict' ||
    fault === 'not_authenticated' ||
    fault === 'no_network' ||
    fault === 'reconnecting'
  )
    return 'away';
  if (f.queue !== null) return 'entering';
  switch (f.you?.state) {
    // Being on air is said whatever else is wrong: the room is seen.
    case 'on_air':
      return 'on_air';
    case 'speaking':
      return 'speaking';
    case 'invited_to_speak':
      return 'invited';
    case 'in_meeting':
      return isReady(f) ? 'in_meeting' : 'not_ready';
    default:
      return isReady(f) && f.link === 'open' ? 'ready' : 'not_ready';
  }
}

/** Who has no camera at all can still be heard; one that is there and does not work has to be mended first. */
function isReady(f: SiteFacts): boolean {
  return f.armed && !isFault(f.mic) && (!isFault(f.camera) || f.camera === 'none');
}

/** The meeting this site should be in: the one it is in, the only open one, none while the clerk has to choose. */
export function meetingToJoin(you: You | null, left: string | null): string | null {
  if (you === null) return null;
  const inside = you.meetings.find((m) => m.id === you.in);
  const all = you.meetings.filter((m) => m.status === 'open' && m.id !== left);
  const real = all.filter((m) => m.kind !== 'rehearsal');
  // A meeting goes before a rehearsal, also for who is in one.
  if (you.in !== null && (inside?.kind !== 'rehearsal' || real.length === 0)) return null;
  const open = real.length > 0 ? real : all;
  return open.length === 1 && open[0] ? open[0].id : null;
}

/** Whether a camera that waits until it is called is needed now. Ringing alone opens it for nobody. */
export const needsCamera = (you: You | null): boolean =>
  you !== null &&
  (you.publish?.video === true ||
    (you.rehearsal ?? null) !== null ||
    (you.in !== null && you.call?.state !== 'ringing'));

const HEIGHT: readonly Meeting['level'][] = ['nation', 'province', 'district', 'commune'];

/** Higher meetings first; of one level in the order of the server, newest first. */
export function highestFirst(meetings: readonly Meeting[]): Meeting[] {
  return meetings.toSorted((a, b) => HEIGHT.indexOf(a.level) - HEIGHT.indexOf(b.level));
}

/** Whether the first is the higher one. */
export const isHigher = (one: Meeting, other: Meeting): boolean =>
  HEIGHT.indexOf(one.level) < HEIGHT.indexOf(other.level);

/** Open meetings that a site in one is invited to as well, the highest first: the clerk may move. */
export function otherMeetings(you: You | null): Meeting[] {
  if (you?.in == null || you.call !== null) return [];
  return highestFirst(
    you.meetings.filter((m) => m.status === 'open' && m.kind === 'meeting' && m.id !== you.in),
  );
}
