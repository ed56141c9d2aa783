import type { MeetingState, Mic } from '../protocol/types';
import type { LiveMeeting } from './live';

/** Louder than this (dBov): somebody speaks. As the server has it (`stage/checks.py`). */
const VOICE_DBOV = -50;

export interface QueueEntry {
  site: string;
  label: string;
  path: string;
  at: number;
  role: 'speaker' | 'hand';
  mic: Mic;
  /** Place in the queue, 1 is next; 0 for who has the floor. */
  place: number;
  pictureOk: boolean;
  voiceOk: boolean;
  level: number | null;
  onAir: boolean;
  inPreview: boolean;
}

/** Who has the floor, then who waits, longest first. */
export function floorQueue(live: LiveMeeting): QueueEntry[] {
  const { state } = live;
  if (state === null) return [];
  const entry = (site: string, at: string, role: QueueEntry['role'], mic: Mic, place: number): QueueEntry => {
    const level = live.levels[site] ?? null;
    return {
      site,
      label: state.sites[site]?.label ?? site,
      path: state.sites[site]?.path ?? '',
      at: Date.parse(at),
      role,
      mic,
      place,
      pictureOk: live.live?.has(site) ?? false,
      // Since it was lined up, as the server has heard it; of others, what is heard now.
      voiceOk:
        (live.checks[site]?.voice ?? null) !== null ||
        live.speaking.includes(site) ||
        (level !== null && level > VOICE_DBOV),
      level,
      onAir: state.stage.on_air.includes(site),
      inPreview: state.stage.preview.includes(site),
    };
  };
  const hands = [...state.floor.hands].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return [
    ...state.floor.speakers.map((s) => entry(s.site, s.since, 'speaker', s.mic, 0)),
    ...hands.map((h, i) => entry(h.site, h.at, 'hand', 'off', i + 1)),
  ];
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
