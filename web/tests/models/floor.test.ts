import { describe, expect, it } from 'vitest';
import { floorQueue, micOf, standingOf } from '../../src/models/floor';
import { emptyStage } from '../../src/models/stage';
import type { LiveMeeting } from '../../src/models/live';
import { openMeeting } from './states';

const hand = (site: string, at: string) => ({ site, at });
const live = (over: Partial<LiveMeeting> = {}): LiveMeeting => ({
  state: openMeeting({
    stage: { ...emptyStage(), on_air: ['s_3'], preview: ['s_1'] },
    floor: {
      speakers: [{ site: 's_3', since: '2021-09-05T02:00:00.000Z', mic: 'open' }],
      hands: [hand('s_2', '2021-09-05T02:05:00.000Z'), hand('s_1', '2021-09-05T02:01:00.000Z')],
    },
    sites: { s_1: { label: 'Một', unit: '1', path: 'ở đây' } },
  }),
  speaking: ['s_3'],
  levels: { s_3: -20, s_1: -90 },
  live: new Set(['s_1', 's_3']),
  lastShown: null,
  receipts: {},
  calls: [],
  refused: null,
  steps: new Map(),
  pages: new Map(),
  screens: [],
  ...over,
});

describe('the floor queue', () => {
  it('puts who speaks first, then hands by how long they have waited', () => {
    expect(floorQueue(live()).map((e) => [e.site, e.role, e.place])).toEqual([
      ['s_3', 'speaker', 0],
      ['s_1', 'hand', 1],
      ['s_2', 'hand', 2],
    ]);
  });

  it('ticks a picture that arrives and a voice that is loud enough', () => {
    const [speaker, first, second] = floorQueue(live());
    expect(speaker).toMatchObject({ pictureOk: true, voiceOk: true, onAir: true });
    expect(first).toMatchObject({ pictureOk: true, voiceOk: false, inPreview: true, label: 'Một' });
    expect(second).toMatchObject({ pictureOk: false, voiceOk: false });
  });

  it('is empty before the first snapshot', () => {
    expect(floorQueue(live({ state: null }))).toEqual([]);
  });
});

describe('a mark', () => {
  it('says the strongest thing of a site', () => {
    const { state } = live();
    expect(['s_3', 's_1', 's_2', 's_9'].map((s) => standingOf(state, s, s === 's_9'))).toEqual([
      'on_air',
      'preview',
      'hand',
      'joined',
    ]);
    expect(standingOf(state, 's_8', false)).toBe('absent');
  });

  it("knows the chair's microphone apart from the speakers'", () => {
    const state = openMeeting({ chair_mic: 'open' });
    expect([micOf(state, 's_vn'), micOf(state, 's_1'), micOf(null, 's_1')]).toEqual(['open', 'off', 'off']);
  });
});
