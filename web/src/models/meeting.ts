import type {
  Acting,
  AgendaItem,
  Hand,
  Listed,
  MeetingState,
  Message,
  Mic,
  Secrecy,
  SiteName,
  Speaker,
  StreamEvent,
} from '../protocol/types';
import { list, number, text } from './fields';
import { applyStage, emptyStage } from './stage';

/** Messages a state holds; older ones stay in the server's log. */
const MESSAGES_KEPT = 200;

/**
 * The state after one event. Snapshot + events equals a fresh snapshot, so every event carries all that is needed here.
 * Events this page does not know leave the state as it is.
 */
export function applyEvent(state: MeetingState, event: StreamEvent): MeetingState {
  return apply(withNames(state, event.data['names']), event);
}

/** The same for several in order; the names that they bring are taken in once. */
export function applyEvents(state: MeetingState, events: readonly StreamEvent[]): MeetingState {
  const names = Object.assign({}, ...events.map((event) => event.data['names'])) as Record<string, SiteName>;
  return events.reduce(applyEvent, withNames(state, names));
}

function apply(state: MeetingState, { type, at, seq, data }: StreamEvent): MeetingState {
  switch (type) {
    case 'meeting_opened':
      return { ...state, status: 'open', opened_at: at };
    case 'meeting_ended':
      return {
        ...state,
        status: 'ended',
        ended_at: at,
        stage: emptyStage(),
        floor: {
          ...state.floor,
          speakers: [],
          hands: [],
          list: [],
          last_mute: null,
          ...(hasTotal(state) ? { hands_total: 0 } : {}),
        },
        chair_mic: 'off',
        away: {},
        direction: null,
      };
    case 'secrecy_raised':
      return { ...state, secrecy: data['secrecy'] as Secrecy, may_record: false };
    case 'site_called_out': {
      const site = text(data['site']);
      return site === null ? state : { ...state, away: { ...state.away, [site]: acting(at, data) } };
    }
    case 'site_returned': {
      const rest = Object.entries(state.away ?? {}).filter(([site]) => site !== data['site']);
      return { ...state, away: Object.fromEntries(rest) };
    }
    case 'direction_taken':
      return { ...state, direction: acting(at, data) };
    case 'direction_returned':
      return { ...state, direction: null };
    case 'sites_invited':
      return {
        ...state,
        invited: number(data['invited']) ?? state.invited + list(data['sites']).length,
        invitations: (state.invitations ?? 0) + 1,
      };
    case 'hand_raised': {
      const site = text(data['site']);
      if (site === null) return withTotal(state, data, 1);
      if (state.floor.hands.some((h) => h.site === site)) return state;
      return withTotal(
        withHands(state, [
          ...state.floor.hands,
          { site, at, rank: seq, branch: text(data['branch']), forwarded: null },
        ]),
        data,
        1,
      );
    }
    case 'hand_lowered':
      return withTotal(lowered(state, text(data['site'])), data, -1);
    case 'floor_given': {
      // Whose floor it replaces, those lose it by events of their own.
      const site = text(data['site']);
      if (site === null) return state;
      const others = state.floor.speakers.filter((s) => s.site !== site);
      const speaker = { site, since: at, mic: 'open' as const, until: text(data['until']), asked: null };
      const listed = state.floor.list.filter((entry) => entry.site !== site);
      const floor = { ...state.floor, speakers: [...others, speaker], list: listed };
      const given = touched(withMic({ ...state, floor }, site, 'open'), site);
      return withTotal(lowered(given, site), data, 0);
    }
    case 'floor_extended': {
      const site = text(data['site']);
      return withSpeakers(state, (s) => (s.site === site ? { ...s, until: text(data['until']) } : s));
    }
    case 'floor_ended': {
      const site = text(data['site']);
      return touched(
        withSpeakers(state, (s) => (s.site === site ? null : s)),
        site,
      );
    }
    case 'floor_rules_set':
      return {
        ...state,
        floor: { ...state.floor, minutes: number(data['minutes']), auto_end: data['auto_end'] === true },
      };
    case 'list_set':
      return { ...state, floor: { ...state.floor, list: data['entries'] as Listed[] } };
    case 'agenda_set':
      return {
        ...state,
        agenda: { version: number(data['version']) ?? 0, items: data['items'] as AgendaItem[] },
      };
    case 'hand_forwarded': {
      const forwarded = { at, note: text(data['note']) ?? '', by: text(data['by']) ?? '' };
      return withHand(state, text(data['site']), { forwarded });
    }
    case 'hand_recalled':
      return withHand(state, text(data['site']), { forwarded: null });
    case 'hand_moved':
      return withHand(state, text(data['site']), { rank: number(data['rank']) ?? 0 });
    case 'unmute_asked': {
      const site = text(data['site']);
      return withSpeakers(state, (s) => (s.site === site ? { ...s, asked: { at, answer: null } } : s));
    }
    case 'unmute_answered': {
      const site = text(data['site']);
      const answer = data['yes'] === true ? 'yes' : 'no';
      return withSpeakers(state, (s) =>
        s.site === site && s.asked !== null ? { ...s, asked: { ...s.asked, answer } } : s,
      );
    }
    case 'mic_set': {
      const site = text(data['site']);
      if (site === null) return state;
      const on = data['on'] !== false;
      const next = withMic(state, site, on ? 'open' : 'off');
      // Who was asked and has opened it has answered.
      return withSpeakers(next, (s) =>
        on && s.site === site && s.asked?.answer === null
          ? { ...s, asked: { ...s.asked, answer: 'yes' } }
          : s,
      );
    }
    case 'unmuted': {
      const site = text(data['site']);
      return site === null ? state : touched(withMic(state, site, 'open'), site);
    }
    case 'muted': {
      const sites = list(data['sites']);
      // The chair's own microphone is shut, not muted: it opens it again itself.
      const next = sites.reduce<MeetingState>(
        (s, site) => withMic(s, site, site === s.chair_site ? 'off' : 'muted'),
        {
          ...state,
          chair_muted_by: (data['chair_by'] as Acting['by'] | undefined) ?? state.chair_muted_by ?? null,
        },
      );
      if (data['many'] !== true) return next;
      const last_mute = {
        n: seq,
        unit: text(data['unit']),
        count: sites.length,
        sites,
        by: text(data['by']) ?? '',
        at,
      };
      return { ...next, floor: { ...next.floor, last_mute } };
    }
    case 'message_posted': {
      // Who may not read it hears only its number, and forgets as early as all others do.
      const n = number(data['n']) ?? 0;
      const message = isMessage(data)
        ? [{ n, id: data.id, at, from: data.from, to: data.to, text: data.text, ask: data['ask'] === true }]
        : [];
      return { ...state, messages: [...state.messages, ...message].filter((m) => m.n > n - MESSAGES_KEPT) };
    }
    default: {
      const stage = applyStage(state.stage, type, at, data);
      return stage === state.stage ? state : { ...state, stage };
    }
  }
}

function withMic(state: MeetingState, site: string, mic: Mic): MeetingState {
  const next = withSpeakers(state, (s) => (s.site === site ? { ...s, mic } : s));
  if (site !== state.chair_site) return next;
  return { ...next, chair_mic: mic, chair_muted_by: mic === 'open' ? null : (next.chair_muted_by ?? null) };
}

function withSpeakers(state: MeetingState, map: (s: Speaker) => Speaker | null): MeetingState {
  const speakers = state.floor.speakers.map(map).filter((s) => s !== null);
  return { ...state, floor: { ...state.floor, speakers } };
}

function withHands(state: MeetingState, hands: MeetingState['floor']['hands']): MeetingState {
  return { ...state, floor: { ...state.floor, hands } };
}

function withHand(state: MeetingState, site: string | null, change: Partial<Hand>): MeetingState {
  if (site === null) return state;
  return withHands(
    state,
    state.floor.hands.map((h) => (h.site === site ? { ...h, ...change } : h)),
  );
}

/** The site's microphone is no longer as the last mute of many left it. */
function touched(state: MeetingState, site: string | null): MeetingState {
  const last = state.floor.last_mute;
  if (last === null || site === null || !last.sites.includes(site)) return state;
  const sites = last.sites.filter((s) => s !== site);
  return { ...state, floor: { ...state.floor, last_mute: { ...last, sites } } };
}

function lowered(state: MeetingState, site: string | null): MeetingState {
  return withHands(
    state,
    state.floor.hands.filter((h) => h.site !== site),
  );
}

/** A site sees of the others' hands only how many there are. */
function withTotal(state: MeetingState, data: Record<string, unknown>, step: number): MeetingState {
  const total = number(data['hands_total']);
  if (total === null && !hasTotal(state)) return state;
  const hands_total = Math.max(0, total ?? (state.floor.hands_total ?? 0) + step);
  return { ...state, floor: { ...state.floor, hands_total } };
}

const hasTotal = (state: MeetingState): boolean => state.floor.hands_total !== undefined;

function withNames(state: MeetingState, names: unknown): MeetingState {
  if (typeof names !== 'object' || names === null) return state;
  const fresh = Object.entries(names as Record<string, SiteName>).filter(
    ([id]) => state.sites[id] === undefined,
  );
  return fresh.length === 0 ? state : { ...state, sites: { ...state.sites, ...Object.fromEntries(fresh) } };
}

/** Who does it and over what, as the event says. */
const acting = (since: string, data: Record<string, unknown>): Acting => ({
  since,
  by: data['by'] as Acting['by'],
  whence: data['whence'] as Acting['whence'],
});

function isMessage(
  m: Record<string, unknown>,
): m is Record<string, unknown> & Omit<Message, 'at' | 'n' | 'ask'> {
  return typeof m['id'] === 'string' && typeof m['text'] === 'string' && typeof m['from'] === 'object';
}

/** What a viewer of site `me` sees in slot `slot`: nobody is shown himself, he sees the chair instead. */
export function shownTo(me: string | null, state: MeetingState, slot: number): string | null {
  const site = state.stage.on_air[slot] ?? null;
  if (site !== null && site === me) return state.chair_site === me ? null : state.chair_site;
  return site;
}
