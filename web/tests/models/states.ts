import { emptyStage } from '../../src/models/stage';
import type { MeetingState } from '../../src/protocol/types';

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
  floor: { speakers: [], hands: [] },
  chair_mic: 'off',
  messages: [],
  sites: {},
  ...over,
});
