/** What crosses the wire, as `docs/protocol.md` has it. Times are RFC 3339 UTC; ids and unit codes are opaque strings. */

export type Role =
  | 'chair'
  | 'director'
  | 'secretary'
  | 'duty_officer'
  | 'technician'
  | 'lead'
  | 'delegate'
  | 'observer'
  | 'auditor';

export interface Grant {
  role: Role;
  unit: string;
}

export type SiteKind = 'post' | 'room' | 'bridge';

export interface Site {
  id: string;
  unit: string;
  label: string;
  kind: SiteKind;
  path: string;
  carrier: string | null;
}

export interface Me {
  kind: 'person' | 'site';
  id: string;
  name: string;
  title: string | null;
  grants: Grant[];
  site: Site | null;
  csrf: string;
}

export type Level = 'nation' | 'province' | 'district' | 'commune';
export const LEVELS: readonly Level[] = ['nation', 'province', 'district', 'commune'];

export interface Unit {
  code: string;
  name: string;
  kind: string;
  level: Level;
  parent: string | null;
  path: string;
  children: number;
  sites: string[];
}

export interface UnitMatch {
  unit: Unit;
  path: string;
  /** How many units share name and kind: above 1 the name alone never acts. */
  alike: number;
  sites: string[];
}

export type Codec = 'h264' | 'vp8';
export type MeetingStatus = 'scheduled' | 'open' | 'ended';

export interface ScopeEntry {
  unit: string;
  levels: Level[];
}

export interface Meeting {
  id: string;
  title: string;
  status: MeetingStatus;
  codec: Codec;
  scope: ScopeEntry[];
  opened_at: string | null;
  /** Invited sites. */
  sites: number;
}

/** Rows, not objects: 10,000 of them travel at once. */
export interface RosterAnswer {
  sites: [id: string, unit: string, label: string, kind: SiteKind][];
  units: [code: string, parent: string | null, name: string, kind: string, level: Level][];
  joined: string[];
}

export interface ViewerAnswer {
  viewer: string;
  answer: string;
  audio_lines: number;
  video_lines: number;
  codecs: Codec[];
  can_show: boolean;
}

export interface PublisherAnswer {
  publisher: string;
  answer: string;
}

export type LayerName = 'low' | 'high';

export type SiteState = 'standby' | 'in_meeting' | 'invited_to_speak' | 'speaking' | 'on_air';
export type Mic = 'off' | 'open' | 'muted';

/** What a site is now to do; sent whole at every change. */
export interface You {
  meetings: Meeting[];
  in: string | null;
  publish: { audio: boolean; video: boolean } | null;
  state: SiteState;
  mic: Mic;
}

export type Slots = (string | null)[];

export interface SiteName {
  label: string;
  unit: string;
  path: string;
}

export interface Speaker {
  site: string;
  since: string;
  mic: Mic;
}

export interface Hand {
  site: string;
  at: string;
}

export interface Message {
  /** Counts the meeting's messages from 1. */
  n: number;
  id: string;
  at: string;
  from: { kind: 'site' | 'person'; id: string; name: string };
  /** `all`, `desk` or a site's id. */
  to: string;
  text: string;
}

export interface MeetingState {
  id: string;
  title: string;
  status: MeetingStatus;
  codec: Codec;
  scope: ScopeEntry[];
  chair_site: string | null;
  created_at: string;
  opened_at: string | null;
  ended_at: string | null;
  invited: number;
  stage: { on_air: Slots; preview: Slots; before: Slots };
  floor: { speakers: Speaker[]; hands: Hand[]; hands_total?: number };
  chair_mic: Mic;
  messages: Message[];
  sites: Record<string, SiteName>;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail?: string;
}

/** An event of a stream; `seq` has no gaps. */
export interface StreamEvent {
  stream: string;
  seq: number;
  type: string;
  at: string;
  actor: string;
  data: Record<string, unknown>;
}

export type Ephemeral =
  | { topic: 'presence'; data: { joined: string[]; left: string[]; full?: boolean } }
  | { topic: 'speaking'; data: { sites: string[] } }
  | { topic: 'levels'; data: { levels: Record<string, number> } }
  | {
      topic: 'stage';
      data: { live: string[]; shown: { slot: number; site: string | null; after_ms: number }[] };
    };

export type FromServer =
  | { op: 'welcome'; who: Me; beat_s: number; server: string; now: string; you?: You | null }
  | { op: 'you'; you: You }
  | { op: 'snap'; stream: string; seq: number; state: MeetingState }
  | ({ op: 'ev' } & StreamEvent)
  | ({ op: 'eph'; stream: string } & Ephemeral)
  | { op: 'beat'; heads: Record<string, number>; now: string }
  /** Media connections of this site or person that ended other than by our wish. */
  | { op: 'gone'; viewers: string[]; publishers: string[]; reason: string }
  | { op: 'ack'; id: string; stream: string; seq: number }
  /** Of a command, or of a `sub` that was refused. */
  | { op: 'nack'; id?: string; stream?: string; problem: Problem };

/** Commands and their arguments beside `id` and `meeting`. */
export interface Commands {
  'meeting.open': object;
  'meeting.end': object;
  'meeting.invite': { sites: string[] };
  'meeting.join': object;
  'meeting.leave': object;
  'hand.raise': object;
  'hand.lower': { site?: string };
  'floor.give': { site: string; replace?: boolean; stage?: boolean };
  'floor.end': { site: string };
  'mic.set': { on: boolean };
  mute: { site: string } | { unit: string } | { all: true };
  unmute: { site: string };
  'stage.preview': { slots: Slots };
  'stage.cut': { slots?: Slots };
  'message.post': { text: string; to: string };
}
export type CommandName = keyof Commands;
