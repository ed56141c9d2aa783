import { describe, expect, it } from 'vitest';
import {
  agendaText,
  beforeOf,
  branches,
  firstComing,
  floorQueue,
  inLine,
  isLoud,
  itemLeft,
  micOf,
  parseAgenda,
  standingOf,
  timeLeft,
} from '../../src/models/floor';
import type { LiveMeeting } from '../../src/models/live';
import { emptyStage } from '../../src/models/stage';
import type { MeetingState } from '../../src/protocol/types';
import { floorOf, hand, openMeeting, speaker } from './states';

const live = (over: Partial<LiveMeeting> = {}): LiveMeeting => ({
  state: openMeeting({
    stage: { ...emptyStage(), on_air: ['s_3'], preview: ['s_1'] },
    floor: floorOf({
      speakers: [speaker('s_3', '2021-09-05T02:00:00.000Z')],
      hands: [hand('s_2', '2021-09-05T02:05:00.000Z'), hand('s_1', '2021-09-05T02:01:00.000Z')],
    }),
    sites: { s_1: { label: 'Một', unit: '1', path: 'ở đây' } },
  }),
  speaking: ['s_3'],
  levels: { s_3: -20, s_1: -90 },
  live: new Set(['s_1', 's_3']),
  lastShown: null,
  receipts: {},
  calls: [],
  operators: [],
  checks: {},
  talks: [],
  observers: [],
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

describe('sound from a microphone that is open', () => {
  const loud = (level: number | undefined, mic: 'open' | 'muted' | 'off') => {
    const speakers = [{ ...speaker('s_3', '2021-09-05T02:00:00.000Z'), mic }];
    const levels = level === undefined ? {} : { s_3: level };
    const [first] = floorQueue(live({ levels, state: openMeeting({ floor: floorOf({ speakers }) }) }));
    return first !== undefined && isLoud(first);
  };
  it('is told above the level of a voice', () => {
    expect(loud(-20, 'open')).toBe(true);
    expect(loud(-50, 'open')).toBe(false);
    expect(loud(undefined, 'open')).toBe(false);
  });
  it('is not told of one that is shut: its last level may still stand', () => {
    expect(loud(-20, 'muted')).toBe(false);
    expect(loud(-20, 'off')).toBe(false);
  });
});

describe('hands on their way up', () => {
  const at = (minute: number) => `2021-09-05T02:0${minute}:00.000Z`;
  const state = openMeeting({
    floor: floorOf({
      hands: [
        hand('s_a', at(1), { branch: '70', rank: 5 }),
        hand('s_b', at(2), { branch: '70', rank: 4 }),
        hand('s_c', at(3), { branch: '75', forwarded: { at: at(6), note: 'nước', by: 'Bình' } }),
        hand('s_d', at(4), { branch: '75' }),
        hand('s_79', at(5)),
      ],
      list: [{ site: 's_d', note: '', minutes: null, version: 1 }],
    }),
  });
  const shown = (operators: string[], reach: 'centre' | 'desk' = 'centre') =>
    floorQueue(live({ state: { ...state, reach }, operators }))
      .filter((e) => e.role !== 'speaker')
      .map((e) => e.site);

  it('are with their provinces where somebody is there to send them up', () => {
    expect(shown(['70', '75'])).toEqual(['s_d', 's_79', 's_c']);
  });

  it('are shown to the centre where nobody is, so that none is lost', () => {
    expect(shown(['75'])).toEqual(['s_d', 's_a', 's_b', 's_79', 's_c']);
  });

  it('stand in the order of their queue at the province', () => {
    expect(shown([], 'desk')).toEqual(['s_b', 's_a', 's_d', 's_79', 's_c']);
  });

  it('are a row for each province, with what waits and what came up', () => {
    expect(
      branches(state, ['70']).map((b) => [b.code, b.waiting.length, b.forwarded.length, b.attended]),
    ).toEqual([
      ['70', 2, 0, true],
      ['75', 1, 1, false],
    ]);
    expect(branches(state, [])[0]?.waiting.map((h) => h.site)).toEqual(['s_b', 's_a']);
  });

  it('come after the list, whose absent are passed over', () => {
    const queue = floorQueue(live({ state, operators: ['70', '75'] }));
    expect(firstComing(queue, () => true)).toBe('s_d');
    expect(firstComing(queue, (site) => site !== 's_d')).toBe('s_79');
  });

  it('line up the next of the list behind the operators’ own, as the server does', () => {
    const list = ['s_a', 's_b'].map((site) => ({ site, note: '', minutes: null, version: 1 }));
    const lined = (over: Partial<MeetingState>, here = true) =>
      inLine(openMeeting({ floor: floorOf({ list }), ...over }), (site) => here || site !== 's_a').map(
        (one) => `${one.site}${one.byList ? '*' : ''}`,
      );
    const stage = (over: Partial<MeetingState['stage']>) => ({ stage: { ...emptyStage(), ...over } });
    expect(lined({})).toEqual(['s_a*']);
    expect(lined({}, false)).toEqual(['s_b*']);
    expect(lined(stage({ line_up: ['s_1', 's_2', 's_3'] }))).toEqual(['s_1', 's_2', 's_3', 's_a*']);
    expect(lined(stage({ line_up: ['s_1', 's_2', 's_3', 's_4'] }))).toHaveLength(4);
    expect(lined(stage({ line_up: ['s_a'] }))).toEqual(['s_a']);
    expect(lined(stage({ preview: ['s_a'] }))).toEqual([]);
    const speakers = [speaker('s_a', '2021-09-05T01:31:00.000Z')];
    expect(lined({ floor: floorOf({ list, speakers }) })).toEqual(['s_b*']);
  });

  it('move by one, not beyond the ends', () => {
    const order = ['a', 'b', 'c'];
    expect([beforeOf(order, 'a', -1), beforeOf(order, 'c', 1), beforeOf(order, 'x', 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([beforeOf(order, 'b', -1), beforeOf(order, 'a', 1), beforeOf(order, 'b', 1)]).toEqual([
      'a',
      'c',
      null,
    ]);
  });
});

describe('time', () => {
  const until = '2021-09-05T02:10:00.000Z';
  const now = Date.parse(until);

  it('runs, warns in the last minute, and goes on counting when it is over', () => {
    const tones = [61_000, 60_000, 1, 0, -1].map((ms) => timeLeft(until, now - ms)?.tone);
    expect(tones).toEqual(['running', 'last', 'last', 'last', 'over']);
    expect(timeLeft(null, now)).toBeNull();
  });

  it('of an item is what it was planned to take from its beginning', () => {
    const item = {
      id: 'a',
      title: '',
      minutes: 10,
      each: null,
      sites: [],
      started_at: until,
      ended_at: null,
    };
    expect(itemLeft(item, now + 60_000)?.ms).toBe(9 * 60_000);
    expect(itemLeft({ ...item, ended_at: until }, now)).toBeNull();
    expect(itemLeft({ ...item, minutes: null }, now)).toBeNull();
  });
});

describe('an agenda as lines', () => {
  const known: Record<string, string> = { 'Bình Phước': 's_70', '75': 's_75' };
  const find = (name: string) => known[name] ?? null;

  it('is read, with what cannot be meant said', () => {
    const { items, unknown } = parseAgenda(
      'Khai mạc; 5\n\nBáo cáo;30;4;Bình Phước;75;75;Ở đâu\nTrao đổi\t\t2\tBình Phước\nKết luận; Bình Phước',
      [],
      find,
    );
    expect(items.map((i) => [i.title, i.minutes, i.each, i.sites])).toEqual([
      ['Khai mạc', 5, null, []],
      ['Báo cáo', 30, 4, ['s_70', 's_75']],
      ['Trao đổi', null, 2, ['s_70']],
      ['Kết luận', null, null, ['s_70']],
    ]);
    expect(unknown).toEqual(['Ở đâu']);
  });

  it('is written so that it reads back the same, and items keep who they are', () => {
    const item = (id: string, title: string, sites: string[]) => ({
      id,
      title,
      minutes: null,
      each: 4,
      sites,
      started_at: null,
      ended_at: null,
    });
    const before = [item('a_1', 'Một', ['s_70']), item('a_2', 'Một', [])];
    const text = agendaText(before, (site) => (site === 's_70' ? 'Bình Phước' : site));
    const { items } = parseAgenda(text, before, find);
    expect(items.map(({ id, title, each, sites }) => [id, title, each, sites])).toEqual([
      ['a_1', 'Một', 4, ['s_70']],
      ['a_2', 'Một', 4, []],
    ]);
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
