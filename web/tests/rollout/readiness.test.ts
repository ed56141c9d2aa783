import { describe, expect, it } from 'vitest';
import { funnel, neighbour, shareClass, STATES } from '../../src/models/readiness';
import type { ReadinessCounts } from '../../src/protocol/types';

const counts = (...at: number[]): ReadinessCounts => ({
  total: at.reduce((a, b) => a + b, 0),
  states: Object.fromEntries(STATES.map((state, i) => [state, at[i] ?? 0])),
  causes: {},
});

describe('classes of the map', () => {
  it.each([
    [counts(), 'none'],
    [counts(5, 3, 2), 'zero'],
    [counts(9, 0, 0, 0, 1), 'low'],
    [counts(5, 0, 0, 0, 5), 'half'],
    [counts(1, 0, 0, 0, 9), 'most'],
    [counts(1, 0, 0, 0, 9999), 'most'],
    [counts(0, 0, 0, 0, 7), 'all'],
  ])('%#: %o', (given, wanted) => {
    expect(shareClass(given)).toBe(wanted);
  });
});

describe('the funnel', () => {
  it('counts who came so far, those who went further included', () => {
    expect(funnel(counts(10, 5, 3, 0, 2), false)).toEqual([
      { name: 'total', reached: 20, here: 10 },
      { name: 'activated', reached: 10, here: 5 },
      { name: 'tested', reached: 5, here: 3 },
      { name: 'ready', reached: 2, here: 2 },
    ]);
  });

  it('shows rehearsals where they are demanded or were held', () => {
    const names = (rehearsal: boolean, rehearsed: number) =>
      funnel(counts(1, 1, 1, rehearsed, 1), rehearsal).map((s) => s.name);
    expect(names(true, 0)).toContain('rehearsed');
    expect(names(false, 2)).toContain('rehearsed');
    expect(names(false, 0)).not.toContain('rehearsed');
  });
});

describe('the keys of the map', () => {
  const places = [
    { code: 'a', x: 0, y: 0 },
    { code: 'b', x: 10, y: 1 },
    { code: 'c', x: 4, y: 9 },
    { code: 'd', x: 0, y: 30 },
  ];
  it('go to the nearest that lies that way, and stay at the edge', () => {
    expect(neighbour(places, 'a', 'right')).toBe('b');
    expect(neighbour(places, 'a', 'down')).toBe('c');
    expect(neighbour(places, 'd', 'up')).toBe('c');
    expect(neighbour(places, 'b', 'left')).toBe('a');
    expect(neighbour(places, 'a', 'up')).toBeNull();
    expect(neighbour(places, 'nowhere', 'up')).toBeNull();
  });
});
