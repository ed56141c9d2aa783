import type { AgendaItem, Hand, MeetingState, Mic, NewItem, Speaker } from '../protocol/types';
import type { LiveMeeting } from './live';

const MINUTE = 60_000;
/** Louder than this (dBov): somebody speaks. As the server has it (`stage/checks.py`). */
const VOICE_DBOV = -50;

export interface QueueEntry {
  site: string;
  label: string;
  path: string;
  at: number;
  /** Has the floor, is on the speakers' list, or waits with a hand. */
  role: 'speaker' | 'listed' | 'hand';
  mic: Mic;
  /** Place in the queue, 1 is next; 0 for who has the floor. */
  place: number;
  note: string;
  pictureOk: boolean;
  voiceOk: boolean;
  level: number | null;
  onAir: boolean;
  inPreview: boolean;
  hand: Hand | null;
  speaker: Speaker | null;
}

/** Whether sound comes from its open microphone just now, whoever makes it. */
export const isLoud = (entry: QueueEntry): boolean =>
  entry.mic === 'open' && entry.level !== null && entry.level > VOICE_DBOV;

/** Hands as entries, in the order given. */
export function entriesOf(live: LiveMeeting, hands: readonly Hand[], from = 0): QueueEntry[] {
  const make = entryMaker(live);
  return make === null ? [] : hands.map((h, i) => make(h.site, h.at, 'hand', from + i + 1));
}

type Make = (site: string, at: string, role: QueueEntry['role'], place: number) => QueueEntry;

function entryMaker(live: LiveMeeting): Make | null {
  const { state } = live;
  if (state === null) return null;
  const handOf = new Map(state.floor.hands.map((h) => [h.site, h]));
  return (site, at, role, place) => {
    const level = live.levels[site] ?? null;
    const speaker = state.floor.speakers.find((s) => s.site === site) ?? null;
    const hand = handOf.get(site) ?? null;
    return {
      site,
      label: state.sites[site]?.label ?? site,
      path: state.sites[site]?.path ?? '',
      at: Date.parse(at),
      role,
      mic: role === 'speaker' ? (speaker?.mic ?? 'off') : 'off',
      place,
      note: hand?.forwarded?.note ?? '',
      pictureOk: live.live?.has(site) ?? false,
      // Since it was lined up, as the server has heard it; of others, what is heard now.
      voiceOk:
        (live.checks[site]?.voice ?? null) !== null ||
        live.speaking.includes(site) ||
        (level !== null && level > VOICE_DBOV),
      level,
      onAir: state.stage.on_air.includes(site),
      inPreview: state.stage.preview.includes(site),
      hand,
      speaker,
    };
  };
}

/** Who has the floor, who comes by the list, then who waits for this desk, longest first. */
export function floorQueue(live: LiveMeeting): QueueEntry[] {
  const { state } = live;
  const entry = entryMaker(live);
  if (state === null || entry === null) return [];
  const listed = state.reach === 'centre' ? state.floor.list : [];
  const taken = new Set(listed.map((one) => one.site));
  const hands = waitingHere(state, live.operators).filter((h) => !taken.has(h.site));
  const handAt = (site: string) => state.floor.hands.find((h) => h.site === site)?.at ?? state.created_at;
  return [
    ...state.floor.speakers.map((s) => entry(s.site, s.since, 'speaker', 0)),
    ...listed.map((one, i) => ({ ...entry(one.site, handAt(one.site), 'listed', i + 1), note: one.note })),
    ...entriesOf(live, hands, listed.length),
  ];
}

/** Nobody is there who could send the hand up: it is shown to the centre as it is. */
export function isUnattended(hand: Hand, operators: readonly string[]): boolean {
  return hand.branch !== null && hand.forwarded === null && !operators.includes(hand.branch);
}

/** Hands that this desk is to see to: at the centre those that came up, that need nobody to send them, or that nobody can send; in a province its own queue in its order. */
export function waitingHere(state: MeetingState, operators: readonly string[]): Hand[] {
  const { hands } = state.floor;
  if (state.reach !== 'centre') return [...hands].sort(byRank);
  return hands
    .filter((h) => h.branch === null || h.forwarded !== null || isUnattended(h, operators))
    .sort((a, b) => Date.parse(a.forwarded?.at ?? a.at) - Date.parse(b.forwarded?.at ?? b.at));
}

/** Those that wait in their branch come in its order, those that were sent up after them. */
const byRank = (a: Hand, b: Hand): number =>
  Number(a.forwarded !== null) - Number(b.forwarded !== null) || a.rank - b.rank;

export interface Branch {
  code: string;
  /** Hands in its queue, in order; those sent up are apart. */
  waiting: Hand[];
  forwarded: Hand[];
  attended: boolean;
}

/** The queues of the units right below the scope: one row each, the fullest first, however many hands there are. */
export function branches(state: MeetingState, operators: readonly string[]): Branch[] {
  const found = new Map<string, Branch>();
  for (const hand of state.floor.hands) {
    if (hand.branch === null) continue;
    let row = found.get(hand.branch);
    if (!row) {
      row = { code: hand.branch, waiting: [], forwarded: [], attended: operators.includes(hand.branch) };
      found.set(hand.branch, row);
    }
    (hand.forwarded === null ? row.waiting : row.forwarded).push(hand);
  }
  for (const row of found.values()) {
    row.waiting.sort((a, b) => a.rank - b.rank);
    row.forwarded.sort((a, b) => Date.parse(a.forwarded?.at ?? a.at) - Date.parse(b.forwarded?.at ?? b.at));
  }
  return [...found.values()].sort(
    (a, b) => b.waiting.length - a.waiting.length || (a.code < b.code ? -1 : 1),
  );
}

/** Whom one key gives the floor: the first of the list who is there, else the first who waits. */
export function firstComing(
  entries: readonly QueueEntry[],
  isHere: (site: string) => boolean,
): string | null {
  const coming = entries.filter((e) => e.role !== 'speaker');
  return (
    (coming.find((e) => e.role === 'listed' && isHere(e.site)) ?? coming.find((e) => e.role === 'hand'))
      ?.site ?? null
  );
}

/** Sites that may wait in line, as the server has it. */
export const LINE = 4;

export interface InLine {
  site: string;
  /** Lined up because it is the next of the speakers' list; else by an operator. */
  byList: boolean;
}

/** Who is lined up, as the server has it (`meetings/speakers.py`): the operators' own, behind them the next of the list. */
export function inLine(state: MeetingState | null, isHere: (site: string) => boolean): InLine[] {
  if (state === null) return [];
  const { stage, floor } = state;
  const own = stage.line_up ?? [];
  const speaks = new Set(floor.speakers.map((s) => s.site));
  const next = floor.list.find(({ site }) => isHere(site) && !speaks.has(site))?.site;
  const ready = [...own, ...stage.on_air, ...stage.preview];
  const added = next !== undefined && !ready.includes(next) && own.length < LINE;
  return [...own.map((site) => ({ site, byList: false })), ...(added ? [{ site: next, byList: true }] : [])];
}

/** Where an entry goes when it is moved by one: the site that it comes right before, null: the end. */
export function beforeOf(order: readonly string[], site: string, step: -1 | 1): string | null | undefined {
  const from = order.indexOf(site);
  const to = from + step;
  if (from === -1 || to < 0 || to >= order.length) return undefined;
  return step === -1 ? order[to] : (order[to + 1] ?? null);
}

/** `last`: less than a minute is left; `over`: more was spoken than given. */
export type TimeTone = 'running' | 'last' | 'over';

export interface TimeLeft {
  ms: number;
  tone: TimeTone;
}

/** What is left until then, by the server's clock; null: there is no limit. */
export function timeLeft(until: string | null | undefined, now: number): TimeLeft | null {
  if (until === null || until === undefined) return null;
  const ms = Date.parse(until) - now;
  return { ms, tone: ms < 0 ? 'over' : ms <= MINUTE ? 'last' : 'running' };
}

/** What is left of an item of the agenda that runs. */
export function itemLeft(item: AgendaItem, now: number): TimeLeft | null {
  if (item.started_at === null || item.ended_at !== null || item.minutes === null) return null;
  return timeLeft(new Date(Date.parse(item.started_at) + item.minutes * MINUTE).toISOString(), now);
}

export interface ParsedAgenda {
  items: NewItem[];
  /** Names that mean no site, or several. */
  unknown: string[];
}

/**
 * One item a line: title; minutes; minutes of one speaker; speaker; speaker … Tabs do as well, so that a table's cells can be
 * pasted. An item whose title is as before keeps when it began.
 */
export function parseAgenda(
  text: string,
  before: readonly AgendaItem[],
  find: (name: string) => string | null,
): ParsedAgenda {
  const unknown: string[] = [];
  const left = [...before];
  const items: NewItem[] = [];
  for (const line of text.split('\n')) {
    const [title = '', ...cells] = line.split(/[;\t]/).map((cell) => cell.trim());
    if (title === '') continue;
    const numbers: (number | null)[] = [];
    while (numbers.length < 2 && cells.length > 0 && /^\d*$/.test(cells[0] ?? '')) {
      const value = Number(cells.shift());
      numbers.push(value > 0 ? value : null);
    }
    const sites: string[] = [];
    for (const name of cells.filter((cell) => cell !== '')) {
      const site = find(name);
      if (site === null) unknown.push(name);
      else if (!sites.includes(site)) sites.push(site);
    }
    const same = left.findIndex((item) => item.title === title);
    const id = same === -1 ? null : (left.splice(same, 1)[0]?.id ?? null);
    items.push({
      id,
      title: title.slice(0, 200),
      minutes: numbers[0] ?? null,
      each: numbers[1] ?? null,
      sites,
    });
  }
  return { items, unknown };
}

/** The agenda as `parseAgenda` reads it. */
export function agendaText(items: readonly AgendaItem[], nameOf: (site: string) => string): string {
  return items
    .map((item) => {
      const cells = [item.title, item.minutes ?? '', item.each ?? '', ...item.sites.map(nameOf)];
      while (cells.at(-1) === '') cells.pop();
      return cells.join('; ');
    })
    .join('\n');
}

/** What a mark says of a site in this meeting, strongest first. */
export type Standing = 'on_air' | 'preview' | 'speaking' | 'hand' | 'joined' | 'absent';

export function standingOf(state: MeetingState | null, site: string, joined: boolean): Standing {
  if (state?.stage.on_air.includes(site)) return 'on_air';
  if (state?.stage.preview.includes(site)) return 'preview';
  if (state?.floor.speakers.some((s) => s.site === site)) return 'speaking';
  if (state?.floor.hands.some((h) => h.site === site)) return 'hand';
  return joined ? 'joined' : 'absent';
}

/** Microphone of a site as this meeting has it. */
export function micOf(state: MeetingState | null, site: string): Mic {
  if (state === null) return 'off';
  const speaker = state.floor.speakers.find((s) => s.site === site);
  if (speaker) return speaker.mic;
  return site === state.chair_site ? state.chair_mic : 'off';
}
