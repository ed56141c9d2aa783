import { beforeEach, describe, expect, it } from 'vitest';
import { LineupModel } from '../../src/inspections/lineup';
import { answeredAfter, awaitsCall, isOver, isUntaken } from '../../src/models/calls';
import type { Call, CallState } from '../../src/protocol/types';

const call = (state: CallState, over: Partial<Call> = {}): Call => ({
  id: 'i_1',
  site: 's_1',
  label: 'Điểm cầu',
  path: '',
  state,
  answer: 'ring',
  by: { id: 'p_1', name: 'An', title: null },
  at: '2021-09-05T01:30:00.000Z',
  answered_at: null,
  live_at: null,
  ended_at: null,
  why: null,
  after: null,
  phones: [],
  phoned: [],
  above: [],
  ...over,
});

describe('the sites that are called next', () => {
  beforeEach(() => localStorage.clear());

  it('are taken in order, each once, and outlive a reload', () => {
    const lineup = new LineupModel(localStorage, 'k');
    lineup.add([{ site: 's_1' }, { site: 's_2', draw: 'd_1' }]);
    lineup.add([{ site: 's_2' }, { site: 's_3' }]);
    const again = new LineupModel(localStorage, 'k');
    expect(again.store.getState().planned.map((p) => p.site)).toEqual(['s_1', 's_2', 's_3']);
    expect(again.take()).toEqual([{ site: 's_1' }, { site: 's_2', draw: 'd_1' }]);
    again.remove('s_3');
    expect(again.take()).toEqual([{ site: 's_2', draw: 'd_1' }, undefined]);
    expect(again.take()).toEqual([undefined, undefined]);
  });

  it('are nobody when what was kept is nothing of ours', () => {
    localStorage.setItem('k', '[{"site": 7}, null, "x"]');
    expect(new LineupModel(localStorage, 'k').store.getState().planned).toEqual([]);
    localStorage.setItem('k', '{');
    expect(new LineupModel(localStorage, 'k').store.getState().planned).toEqual([]);
  });
});

describe('how a call stands', () => {
  it('is cut to only when its picture is there', () => {
    expect((['ringing', 'calling'] as const).every((s) => awaitsCall(call(s)))).toBe(true);
    expect((['live', 'warm', 'ended'] as const).some((s) => awaitsCall(call(s)))).toBe(false);
  });

  it('goes on elsewhere only when nobody took it', () => {
    expect(isUntaken(call('no_answer'))).toBe(true);
    expect(isUntaken(call('ended'))).toBe(false);
    expect(isOver(call('ended'))).toBe(true);
    expect(isOver(call('live'))).toBe(false);
  });

  it('says how long the answer took', () => {
    expect(answeredAfter(call('ringing'))).toBeNull();
    expect(answeredAfter(call('live', { answered_at: '2021-09-05T01:30:04.600Z' }))).toBe(5);
  });
});
