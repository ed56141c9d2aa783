import type { MeetingState, Message, Mic, SiteName, Speaker, StreamEvent } from '../protocol/types';
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

function apply(state: MeetingState, { type, at, data }: StreamEvent): MeetingState {
  switch (type) {
    case 'meeting_opened':
      return { ...state, status: 'open', opened_at: at };
    case 'meeting_ended':
      return {
        ...state,
        status: 'ended',
        ended_at: at,
        stage: emptyStage(),
        floor: { ...state.floor, speakers: [], hands: [], ...(hasTotal(state) ? { hands_total: 0 } : {}) },
        chair_mic: 'off',
      };
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
        withHands(state, [...state.floor.hands, { site, at: text(data['at']) ?? at }]),
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
      const speakers = [...others, { site, since: at, mic: 'open' as const }];
      const given = withMic({ ...state, floor: { ...state.floor, speakers } }, site, 'open');
      return withTotal(lowered(given, site), data, 0);
    }
    case 'floor_ended': {
      const site = text(data['site']);
      return withSpeakers(state, (s) => (s.site === site ? null : s));
    }
    case 'mic_set':
    case 'unmuted': {
      const site = text(data['site']);
      return site === null ? state : withMic(state, site, data['on'] === false ? 'off' : 'open');
    }
    case 'muted':
      // The chair's own microphone is shut, not muted: it opens it again itself.
      return list(data['sites']).reduce(
        (s, site) => withMic(s, site, site === s.chair_site ? 'off' : 'muted'),
        state,
      );
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
  return site === state.chair_site ? { ...next, chair_mic: mic } : next;
}

function withSpeakers(state: MeetingState, map: (s: Speaker) => Speaker | null): MeetingState {
  const speakers = state.floor.speakers.map(map).filter((s) => s !== null);
  return { ...state, floor: { ...state.floor, speakers } };
}

function withHands(state: MeetingState, hands: MeetingState['floor']['hands']): MeetingState {
  return { ...state, floor: { ...state.floor, hands } };
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
