import type { components } from './openapi';

/**
 * What crosses the wire. Bodies of HTTP come from the server's schema (`npm run types`); the WebSocket's frames are
 * written by hand from `docs/protocol.md`. Times are RFC 3339 UTC; ids and unit codes are opaque strings.
 */
type Schemas = components['schemas'];

export type Site = Schemas['Site'];
export type SiteKind = Site['kind'];
export type Me = Schemas['Me'];
export type Unit = Schemas['Unit'];
export type Level = Unit['level'];
export const LEVELS: readonly Level[] = ['nation', 'province', 'district', 'commune'];
/** `alike`: how many units share name and kind: above 1 the name alone never acts. */
export type UnitMatch = Schemas['UnitMatch'];
export type NewMeeting = Schemas['NewMeeting'];
export type Codec = NewMeeting['codec'];
export type ScopeEntry = Schemas['ScopeEntry'];
export type ViewerAnswer = Schemas['ViewerAnswer'];
export type PublisherAnswer = Schemas['PublisherAnswer'];
/** Who has not got a message, and who has not answered: at most 2,000 ids each. */
export type ReceiptsAnswer = Schemas['Receipts'];
export type IceServersAnswer = Schemas['IceServers'];
export type LayerName = Schemas['PinRequest']['ceiling'];
/** What a self-test measured. */
export type TestFigures = Schemas['Figures'];
export type SelfTestTurn = Schemas['SelfTestTurn'];
export type SelfTestResult = Schemas['SelfTestResult'];
export type SelfTestAdvice = Schemas['SelfTestAdvice'];
export type ReadinessAnswer = Schemas['ReadinessAnswer'];
export type ReadinessUnit = Schemas['ReadinessUnit'];
export type ReadinessCounts = Schemas['ReadinessCounts'];
export type ReadinessRow = Schemas['ReadinessRow'];
export type ReadinessRows = Schemas['ReadinessRows'];
export type ReadinessState = ReadinessRow['state'];
export type ReadinessCause = NonNullable<ReadinessRow['cause']>;
export interface ReadinessQuery {
  unit?: string | undefined;
  state?: ReadinessState | undefined;
  wave?: string | undefined;
  /** Only sites that are not ready. */
  missing?: true | undefined;
  cause?: ReadinessCause | undefined;
  /** Empty: sites whose carrier is not known. */
  carrier?: string | undefined;
  q?: string | undefined;
  limit?: number | undefined;
  after?: string | undefined;
}
export type MeetingStatus = Schemas['Meeting']['status'];

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
  /** Every site that it is for shall answer. */
  ask: boolean;
}

/** Sites that have a message, that have answered it, that it was for so far. */
export interface Figures {
  got: number;
  answered: number;
  of: number;
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
  /** How often sites were invited since the snapshot: this page's own count, for feeds do not change `invited`. */
  invitations?: number;
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
  /** Of `bad_sheet`: what is wrong with the file; of `bad_code`: of the code. */
  reason?: string;
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

/** What a viewer's line carries, most first: everything, video on the low layer, still pictures, sound, messages. */
export type Step = 'high' | 'low' | 'slides' | 'audio' | 'text';

/** What said that the line is full. */
export type Why = 'estimate' | 'loss' | 'delay';

/** A site's page that is or was not awake: pages that always were are not told of. */
export interface SitePageState {
  page_hidden: boolean;
  slept_s: number | null;
  slept_at: string | null;
}

export type Ephemeral =
  | { topic: 'quality'; data: { steps: Record<string, Step>; full?: boolean } }
  | { topic: 'presence'; data: { joined: string[]; left: string[]; full?: boolean } }
  | { topic: 'pages'; data: { pages: Record<string, SitePageState> } }
  | { topic: 'speaking'; data: { sites: string[] } }
  | { topic: 'levels'; data: { levels: Record<string, number> } }
  | { topic: 'receipts'; data: { messages: Record<string, Figures> } }
  | {
      topic: 'stage';
      data: { live: string[]; shown: { slot: number; site: string | null; after_ms: number }[] };
    };

export type FromServer =
  | {
      op: 'welcome';
      who: Me;
      beat_s: number;
      server: string;
      now: string;
      you?: You | null;
      ice?: IceServersAnswer;
    }
  | { op: 'you'; you: You }
  /** What a site's page signs for its hello; comes before anything is asked. */
  | { op: 'challenge'; nonce: string }
  | { op: 'snap'; stream: string; seq: number; state: MeetingState }
  | ({ op: 'ev' } & StreamEvent)
  | ({ op: 'eph'; stream: string } & Ephemeral)
  | { op: 'beat'; heads: Record<string, number>; now: string; picture_s?: number; waiting?: number }
  /** Where we stand at the door; place 0 is our turn. */
  | { op: 'wait'; place: number; of: number; seconds: number }
  /** Media connections of this site or person that ended other than by our wish. */
  | { op: 'gone'; viewers: string[]; publishers: string[]; reason: string; turn?: boolean }
  /** All media connections of this site or person that exist; what we hold beside them has ended unseen. */
  | { op: 'standing'; viewers: string[]; publishers: string[] }
  /** What the line of one of our viewers carries now. */
  | { op: 'quality'; viewer: string; step: Step; why: Why | null }
  | { op: 'ack'; id: string; stream: string; seq: number }
  /** The answer of `viewer`. */
  | ({ op: 'opened'; id: string } & ViewerAnswer)
  /** Of a command, of a `viewer`, or of a `sub` that was refused. */
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
  'message.post': { text: string; to: string; ask?: boolean };
  'message.got': { messages: string[] };
  'message.answer': { message: string };
}
export type CommandName = keyof Commands;
