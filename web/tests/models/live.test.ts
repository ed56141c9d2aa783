import { describe, expect, it } from 'vitest';
import { MeetingModel } from '../../src/models/live';

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
