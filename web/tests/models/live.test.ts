import { afterEach, describe, expect, it, vi } from 'vitest';
import { MeetingModel } from '../../src/models/live';
import { floorOf, hand, openMeeting } from './states';

describe("what sites' lines carry", () => {
  it('is told in differences, and whole after a subscription', () => {
    const model = new MeetingModel();
    const told = (steps: Record<string, 'high' | 'low' | 'slides'>, full?: boolean) => {
      model.eph({ topic: 'quality', data: full === undefined ? { steps } : { steps, full } });
      return Object.fromEntries(model.store.getState().steps);
    };
    expect(told({ s_1: 'low', s_2: 'slides' })).toEqual({ s_1: 'low', s_2: 'slides' });
    expect(told({ s_1: 'high', s_3: 'low' })).toEqual({ s_2: 'slides', s_3: 'low' });
    expect(told({ s_4: 'low' }, true)).toEqual({ s_4: 'low' });
    expect(told({}, true)).toEqual({});
  });
});

describe("sites' pages", () => {
  it('are known by what each last said', () => {
    const model = new MeetingModel();
    const page = (page_hidden: boolean) => ({ page_hidden, slept_s: null, slept_at: null });
    model.eph({ topic: 'pages', data: { pages: { s_1: page(true), s_2: page(true) } } });
    model.eph({ topic: 'pages', data: { pages: { s_1: page(false) } } });
    expect(Object.fromEntries(model.store.getState().pages)).toEqual({ s_1: page(false), s_2: page(true) });
  });
});

describe('a country that raises its hands', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const raised = (seq: number) => ({
    stream: 'meeting:m_1',
    seq,
    type: 'hand_raised',
    at: '2021-09-05T02:00:00.000Z',
    actor: '',
    data: {
      site: `s_${seq}`,
      branch: '70',
      names: { [`s_${seq}`]: { label: `Xã ${seq}`, unit: '1', path: '' } },
    },
  });

  it('is taken in together, a few times a second, and no hand is lost', () => {
    vi.useFakeTimers();
    const model = new MeetingModel();
    let looks = 0;
    model.store.subscribe(() => looks++);
    model.snap(openMeeting());
    for (let seq = 1; seq <= 9811; seq++) model.ev(raised(seq));
    vi.runAllTimers();
    const { state } = model.store.getState();
    expect(state?.floor.hands).toHaveLength(9811);
    expect(state?.sites['s_9811']?.label).toBe('Xã 9811');
    expect(looks).toBeLessThan(210);
  });

  it('gives way to a snapshot that comes meanwhile', () => {
    vi.useFakeTimers();
    const model = new MeetingModel();
    const many = Array.from({ length: 300 }, (_, i) => hand(`s_x${i}`, '2021-09-05T02:00:00.000Z'));
    model.snap(openMeeting({ floor: floorOf({ hands: many }) }));
    model.ev(raised(1));
    model.snap(openMeeting());
    vi.runAllTimers();
    expect(model.store.getState().state?.floor.hands).toEqual([]);
  });
});
