import { emptyStage } from '../../src/models/stage';
import type { Hand, MeetingState, Speaker } from '../../src/protocol/types';

/** A floor that nobody has and nobody asks for. */
export const floorOf = (over: Partial<MeetingState['floor']> = {}): MeetingState['floor'] => ({
  speakers: [],
  hands: [],
  list: [],
  minutes: null,
  auto_end: false,
  last_mute: null,
  ...over,
});

export const hand = (site: string, at: string, over: Partial<Hand> = {}): Hand => ({
  site,
  at,
  rank: Date.parse(at),
  branch: null,
  forwarded: null,
  ...over,
});

export const speaker = (site: string, since: string, over: Partial<Speaker> = {}): Speaker => ({
  site,
  since,
  mic: 'open',
  until: null,
  asked: null,
  ...over,
});

/** An open meeting of 64 with nobody on the floor. */
export const openMeeting = (over: Partial<MeetingState> = {}): MeetingState => ({
  id: 'm_1',
  title: 'Họp',
  kind: 'meeting',
  status: 'open',
  codec: 'h264',
  scope: [],
  chair_site: 's_vn',
  created_at: '2021-09-05T01:00:00.000Z',
  opened_at: '2021-09-05T01:30:00.000Z',
  ended_at: null,
  invited: 64,
  stage: { ...emptyStage(), on_air: ['s_vn'] },
  reach: 'centre',
  floor: floorOf(),
  agenda: { version: 0, items: [] },
  chair_mic: 'off',
  messages: [],
  sites: {},
  ...over,
});
