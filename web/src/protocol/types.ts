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
export type CaptionPeople = Schemas['CaptionPeople'];
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
export type RollCall = Schemas['RollCallShown'];
export type RollView = Schemas['RollCallView'];
export type RollRow = Schemas['RollRow'];
export type RollTotal = Schemas['RollTotal'];
export type RollHead = Schemas['RollHead'];
export type RollConfirmed = Schemas['RollConfirmed'];
export type RollCallList = Schemas['RollCallList'];
export type RollReason = Schemas['RollReason'];
/** What is said of a site: its own part of a row. */
export type RollEntry = Pick<
  RollRow,
  'site' | 'version' | 'says' | 'reason' | 'text' | 'head' | 'note' | 'by' | 'at'
>;
/** An entry as it is sent: made on the version that was seen. */
export type RollEdit = Omit<RollEntry, 'by' | 'at'>;
/** What changes of a row. */
export type RollChange = Omit<
  RollRow,
  'unit' | 'level' | 'branch' | 'label' | 'path' | 'phones' | 'people' | 'editable'
>;
/** The meeting's newest roll call: its figures, and the rows that changed after number `since`. */
export type RollFrame =
  | { call: null }
  | {
      call: RollCall;
      totals: RollTotal[];
      confirmed: Record<string, RollConfirmed>;
      branches: number;
      since: number;
      n: number;
      rows: RollChange[];
    };
/** How a wall is set; stored by name for each person. */
export type WallLayout = Required<Schemas['Layout']>;
export type WallPatrol = Required<Schemas['Patrol']>;
export interface SavedLayout {
  name: string;
  changed_at: string;
  layout: WallLayout;
}
/** What a window shows beside what its kind always shows. */
export interface Show {
  captions: boolean;
  sound: boolean;
  layout: WallLayout | null;
}
export type ScreenKind = 'wall' | 'stage' | 'leader';
export type ScreenOrder = 'next' | 'previous' | 'pause' | 'resume' | 'close';
/** What a window says of itself. */
export interface ScreenStatus {
  full_screen: boolean;
  /** `blocked`: its browser wants a touch first. */
  sound: 'off' | 'on' | 'blocked';
  /** Pictures that move there now. */
  live: number;
  patrol: { at: number; of: number; paused: boolean } | null;
}
/** A window on another monitor. */
export interface Screen {
  id: string;
  kind: ScreenKind;
  person: string;
  name: string;
  label: string;
  since: string;
  show: Show;
  status: ScreenStatus;
}
export type MeetingStatus = Schemas['Meeting']['status'];

/**
 * `rehearsal`: a machine presents, and looks whether every site sees, hears, is seen and heard; `centre`: sites stand
 * by until they are called; else they come by themselves.
 */
export type MeetingKind = Schemas['Meeting']['kind'];

export interface Meeting {
  id: string;
  title: string;
  kind: MeetingKind;
  status: MeetingStatus;
  codec: Codec;
  scope: ScopeEntry[];
  opened_at: string | null;
  /** Invited sites. */
  sites: number;
  secrecy: Secrecy;
  /** The highest level of its scope, and that unit. */
  level: Level;
  place: Place;
}

/** Mật, Tối mật, Tuyệt mật, or no mark. */
export type Secrecy = Schemas['Meeting']['secrecy'];
export const MARKS: readonly Secrecy[] = ['none', 'confidential', 'secret', 'top_secret'];
export type Place = Schemas['Place'];
export type BoardRow = Schemas['BoardRow'];
export type ClearanceSeen = Schemas['ClearanceSeen'];
export type SiteDetails = Schemas['SiteDetails'];

/** Somebody and over what he acts. */
export interface Acting {
  since: string;
  by: { id?: string; name: string; title: string | null };
  whence: Place;
}

/** Somebody who watches a meeting from above. */
export interface Observer {
  id: string;
  name: string;
  title: string | null;
  whence: Place;
  since: string;
}

/** Rows, not objects: 10,000 of them travel at once. */
export interface RosterAnswer {
  sites: [id: string, unit: string, label: string, kind: SiteKind][];
  units: [code: string, parent: string | null, name: string, kind: string, level: Level][];
  joined: string[];
}

export type SiteState = 'standby' | 'in_meeting' | 'invited_to_speak' | 'speaking' | 'on_air';
export type Mic = 'off' | 'open' | 'muted';

/** How a call stands; those after `live` are over. */
export type CallState =
  'ringing' | 'calling' | 'warm' | 'live' | 'no_answer' | 'offline' | 'busy' | 'ended' | 'interrupted';

export interface Caller {
  id: string;
  name: string;
  title: string | null;
}

/** A call as desks see it. */
export interface Call {
  id: string;
  site: string;
  label: string;
  path: string;
  state: CallState;
  answer: 'auto' | 'ring';
  by: Caller;
  at: string;
  answered_at: string | null;
  live_at: string | null;
  ended_at: string | null;
  why: string | null;
  after: string | null;
  /** Of a call that nobody took: the site's phones, and who of the levels above can be called instead. */
  phones: string[];
  phoned: { phone: number; reached: boolean; at: string }[];
  above: { site: string; label: string; path: string; online: boolean }[];
}

/** A private word of an operator's with a site, as desks see it. */
export interface Talk {
  id: string;
  site: string;
  label: string;
  path: string;
  by: Caller;
  since: string;
  /** The operator is heard by the site. */
  speaks: boolean;
  /** The site is heard by the operator. */
  answers: boolean;
  muted: boolean;
  /** The sites of this operator hear each other. */
  together: boolean;
  /** The site's loudspeaker is connected. */
  hears: boolean;
  /** The operator's microphone reaches the node. */
  sends: boolean;
  tapped: { clear: boolean; at: string } | null;
}

/** The same as the site is told of it. */
export interface YouTalk {
  id: string;
  by: Caller;
  since: string;
  speaks: boolean;
  answers: boolean;
  together: boolean;
  clear: boolean | null;
}

/** What the machine has seen of a site since it was lined up. */
export interface Check {
  since: string;
  picture: boolean;
  voice: { at: string; dbov: number } | null;
}

/** What a site is now to do; sent whole at every change. */
export interface You {
  meetings: Meeting[];
  in: string | null;
  publish: { audio: boolean; video: boolean } | null;
  state: SiteState;
  mic: Mic;
  /** The call to this site. */
  call: {
    id: string;
    state: CallState;
    by: Caller;
    at: string;
    /** Title and place of the meeting that calls; `out`: the site is called out of another. */
    where?: string;
    whence?: Place | null;
    out?: boolean;
  } | null;
  /** Who has this site's picture before him; no name where it is not at hand. */
  seen: { name: string; title: string | null }[];
  /** It is lined up: the machine looks whether its picture and voice come, and nobody hears it. */
  checked?: boolean;
  /** Who speaks with this site in private. */
  talks?: YouTalk[];
  /** How far this site is in the rehearsal that it is in. */
  rehearsal?: YouRehearsal | null;
}

export interface YouRehearsal {
  id: string;
  title: string;
  /** Null: it is through. */
  step: 'connect' | 'see' | 'hear' | 'speak' | null;
  done: string[];
  fault: { code: string; vi: string; en: string } | null;
  turn: { now: boolean; seconds: number } | null;
}

/** What a page says of itself in a rehearsal. */
export type RehearsalFault =
  'not_armed' | 'cannot_show' | `${'camera' | 'mic'}_${'refused' | 'none' | 'busy' | 'insecure' | 'lost'}`;

export interface RehearsalSays {
  op: 'rehearsal';
  /** From which number to which the picture, or the note, has changed. */
  saw?: [number, number];
  heard?: [number, number];
  picture?: 'ok' | 'black' | 'frozen';
  fault: RehearsalFault | null;
  again?: boolean;
  figures?: { width?: number; height?: number; db?: number };
}

export type Slots = (string | null)[];

/** In a slot: what an operator presents. */
export const PRESENTATION = 'presentation';

/** How many slots each layout of the stage has. */
export const LAYOUTS = { one: 1, two: 2, four: 4, speaker_chair: 2, slides_speaker: 2 } as const;
export type LayoutName = keyof typeof LAYOUTS;

/** A picture of the stage. */
export interface Look {
  layout: LayoutName;
  slots: Slots;
}

/** Who a site's picture shows. */
export interface CaptionText {
  name: string;
  title: string | null;
}

/** The holding picture. `until`: when the meeting goes on. */
export interface Hold {
  since: string;
  text: string | null;
  until: string | null;
}

/** What an operator shows from his page. `key`: of that page's choosing. */
export interface Presentation {
  key: string;
  by: string;
  name: string;
  title: string;
  since: string;
}

export interface StageState {
  on_air: Slots;
  preview: Slots;
  before: Slots;
  /** Who comes next; a server of before has none. */
  line_up?: string[];
  layouts: Record<'on_air' | 'preview' | 'before', LayoutName>;
  captions: { on: boolean; people: Record<string, CaptionText> };
  chair_pinned: boolean;
  hold: Hold | null;
  presentation: Presentation | null;
}

export interface SiteName {
  label: string;
  unit: string;
  path: string;
}

export interface Speaker {
  site: string;
  since: string;
  mic: Mic;
  /** When its time is over; null: it has no limit. */
  until: string | null;
  /** It was asked to turn its microphone on, and what it answered. */
  asked: { at: string; answer: 'yes' | 'no' | null } | null;
}

export interface Hand {
  site: string;
  at: string;
  /** Orders its queue, lowest first. */
  rank: number;
  /** The unit right below the scope that forwards it; null: it went straight to the centre. */
  branch: string | null;
  forwarded: { at: string; note: string; by: string } | null;
}

/** A coming speaker. `minutes` null: as usual. `version`: what a change of it is made on. */
export interface Listed {
  site: string;
  note: string;
  minutes: number | null;
  version: number;
}

export interface AgendaItem {
  id: string;
  title: string;
  minutes: number | null;
  /** Minutes of one speaker. */
  each: number | null;
  sites: string[];
  started_at: string | null;
  ended_at: string | null;
}

export type NewItem = Pick<AgendaItem, 'title' | 'minutes' | 'each' | 'sites'> & { id: string | null };

/** The last mute of a subtree (or of all, `unit` null), and whom of it nobody has touched since. */
export interface LastMute {
  n: number;
  unit: string | null;
  count: number;
  sites: string[];
  by: string;
  at: string;
}

/** How far the asker's desk reaches: the whole scope, a part of it, nowhere. */
export type Reach = 'centre' | 'desk' | 'site';

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
  kind?: MeetingKind;
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
  stage: StageState;
  reach: Reach;
  floor: {
    speakers: Speaker[];
    hands: Hand[];
    hands_total?: number;
    list: Listed[];
    minutes: number | null;
    auto_end: boolean;
    last_mute: LastMute | null;
  };
  agenda: { version: number; items: AgendaItem[] };
  chair_mic: Mic;
  secrecy?: Secrecy;
  may_record?: boolean;
  /** Sites that were called out and come back. */
  away?: Record<string, Acting>;
  /** Who took the direction over from above. */
  direction?: Acting | null;
  /** Who shut the chair's microphone: this page's own note, until it is open again. */
  chair_muted_by?: { name: string; title: string | null } | null;
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
  /** Of `entry_conflict`: the entries as they are now. */
  conflicts?: RollEntry[];
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
  | { topic: 'screens'; data: { screens: Screen[] } }
  | { topic: 'pages'; data: { pages: Record<string, SitePageState> } }
  | { topic: 'speaking'; data: { sites: string[] } }
  | { topic: 'levels'; data: { levels: Record<string, number> } }
  | { topic: 'rollcall'; data: RollFrame }
  | { topic: 'operators'; data: { units: string[] } }
  | { topic: 'rehearsal'; data: { version: number } }
  | { topic: 'observers'; data: { people: Observer[] } }
  | { topic: 'calls'; data: { calls: Call[] } }
  | { topic: 'lineup'; data: { checks: Record<string, Check> } }
  | { topic: 'talkback'; data: { talks: Talk[] } }
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
      picture_s?: number;
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
  /** Something on the board of running meetings has changed. */
  | { op: 'board'; n: number }
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
  /** What this window is to show, and what it is to do once. */
  | { op: 'screen'; screen: string; show: Show; do: ScreenOrder | null }
  | { op: 'ack'; id: string; stream: string; seq: number }
  /** The answer of `viewer`, of `publisher`. */
  | ({ op: 'opened'; id: string } & (ViewerAnswer | PublisherAnswer))
  /** Of a command, of a `viewer`, or of a `sub` that was refused. */
  | { op: 'nack'; id?: string; stream?: string; problem: Problem };

/** Commands and their arguments beside `id` and `meeting`. */
export interface Commands {
  'meeting.open': object;
  'meeting.end': object;
  'meeting.invite': { sites: string[] };
  'meeting.join': object;
  'meeting.mark': { secrecy: Secrecy };
  'direction.take': object;
  'direction.return': object;
  'meeting.leave': object;
  'hand.raise': object;
  'hand.lower': { site?: string; reason?: string };
  'hand.forward': { site: string; note?: string };
  'hand.recall': { site: string };
  'hand.move': { site: string; before: string | null; seen?: number };
  'floor.give': { site: string; replace?: boolean; stage?: boolean; minutes?: number | null };
  'floor.end': { site: string };
  'floor.extend': { site: string; minutes: number };
  'floor.rules': { minutes: number | null; auto_end: boolean };
  'list.add': { site: string; note?: string; minutes?: number | null; before?: string | null };
  'list.move': { site: string; before: string | null; version?: number };
  'list.edit': { site: string; note: string; minutes: number | null; version: number };
  'list.remove': { site: string };
  'agenda.set': { items: NewItem[]; version: number };
  'agenda.start': { item: string };
  'agenda.finish': { item: string };
  'mic.set': { on: boolean };
  'mic.ask': { site: string };
  'mic.answer': { yes: boolean };
  'mute.undo': { n: number };
  mute: { site: string } | { unit: string } | { all: true };
  unmute: { site: string };
  'stage.line_up': { site: string; on?: boolean; place?: number };
  'stage.preview': { slots: Slots; layout?: LayoutName };
  'stage.cut': { slots?: Slots; layout?: LayoutName };
  'stage.hold': { on: boolean; text?: string; until?: string };
  'stage.captions': { on: boolean };
  'stage.caption': { site: string; name?: string; title?: string };
  'stage.chair': { on: boolean };
  'presentation.start': { key: string; title: string; replace?: boolean };
  'presentation.end': { key?: string };
  'message.post': { text: string; to: string; ask?: boolean };
  'message.got': { messages: string[] };
  'message.answer': { message: string };
  'rollcall.open': { corrects?: string };
  'rollcall.edit': { call: string; entries: RollEdit[] };
  'rollcall.fill': { call: string; unit: string };
  'rollcall.confirm': { call: string; unit: string; on?: boolean };
  'rollcall.seal': { call: string };
  'call.start': { site: string; after?: string; draw?: string };
  'call.warm': { site: string; draw?: string };
  'call.answer': { call: string };
  'call.end': { call: string };
  'call.phoned': { call: string; phone: number; reached: boolean };
  'talk.open': { site: string };
  'talk.say': { talk: string; on: boolean };
  'talk.mute': { talk: string; on: boolean };
  'talk.together': { on: boolean };
  'talk.tap': { talk: string; clear: boolean };
  'talk.end': { talk: string };
}
export type CommandName = keyof Commands;
