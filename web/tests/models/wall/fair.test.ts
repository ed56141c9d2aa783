import { describe, expect, it } from 'vitest';
import { askFor, Credit, SHARE_OF_REST, type Held } from '../../../src/models/wall/fair';
import { seeded } from '../../random';

const LARGEST = 128 * 1024;

/** A server and a wall, step by step: sites post, the wall asks within its budget, the server ends at what does not fit. */
function simulate(
  seed: number,
  count: number,
  seen: number,
  postEvery: (i: number) => number,
  kbits: number,
) {
  const random = seeded(seed);
  const held = new Map<string, Held>();
  const sizes = new Map<string, number>();
  for (let i = 0; i < count; i++) held.set(`s_${i}`, { have: 0, newest: 1, servedAt: 0 });
  const visible = new Set(Array.from({ length: seen }, (_, i) => `s_${i}`));
  const credit = new Credit(kbits, 0);
  const gaps = new Map<string, number>();
  const waited = new Map<string, number>();
  let number = 1;
  let sent = 0;
  const STEP = 500;
  for (let now = STEP; now <= 240_000; now += STEP) {
    let i = 0;
    for (const [site, one] of held) {
      if (random() < STEP / postEvery(i++)) one.newest = ++number;
      if (!sizes.has(site) || random() < 0.1) sizes.set(site, 2_000 + Math.floor(random() * 10_000));
    }
    let left = credit.left(now);
    const before = left;
    for (const site of askFor(held, visible, 400)) {
      const one = held.get(site);
      const size = sizes.get(site) ?? 0;
      if (one === undefined || size > left) break;
      left -= size;
      one.have = one.newest;
      gaps.set(site, Math.max(gaps.get(site) ?? 0, now - one.servedAt));
      one.servedAt = now;
    }
    credit.spend(before - left);
    sent += before - left;
    // At every moment, from the beginning on.
    expect(sent).toBeLessThanOrEqual((kbits / 8) * now + Math.max(kbits * 250, LARGEST));
    for (const [site, one] of held) if (one.newest > one.have) waited.set(site, now - one.servedAt);
  }
  return { held, gaps, waited, sent };
}

describe('the budget of a wall', () => {
  it('is never exceeded and no site starves, however unevenly they post', () => {
    // A few sites post all the time, many now and then: those must not push these out.
    const { held, gaps } = simulate(1, 400, 60, (i) => (i % 7 === 0 ? 600 : 20_000), 1000);
    for (const [site] of held) expect(gaps.get(site), site).toBeDefined();
    // 340 out of sight with a fifth of some 18 pictures a second, and the time until they post anew.
    expect(Math.max(...gaps.values())).toBeLessThan(170_000);
  });

  it('serves what is in sight first, and leaves the rest its share', () => {
    const { gaps } = simulate(2, 300, 40, () => 1_000, 800);
    const of = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => gaps.get(`s_${from + i}`) ?? Infinity);
    expect(Math.max(...of(0, 40))).toBeLessThan(Math.min(...of(40, 300)));
    expect(Math.max(...of(40, 300))).toBeLessThan(240_000);
  });

  it('asks for the longest unserved first, one in five out of sight', () => {
    const held = new Map<string, Held>();
    for (let i = 0; i < 20; i++) held.set(`s_${i}`, { have: 1, newest: 2, servedAt: 100 - i });
    const asked = askFor(held, new Set(['s_0', 's_1', 's_2', 's_3', 's_4', 's_5']), 12);
    expect(asked.slice(0, 5)).toEqual(['s_5', 's_4', 's_3', 's_2', 's_19']);
    expect(asked).toHaveLength(12);
    expect(SHARE_OF_REST).toBe(5);
    held.set('s_0', { have: 2, newest: 2, servedAt: 0 });
    expect(askFor(held, new Set(['s_0']), 100)).not.toContain('s_0');
  });

  it('grows to one picture of the largest size at the lowest rate', () => {
    const credit = new Credit(100, 0);
    credit.spend(credit.left(0));
    expect(credit.left(5_000)).toBe(62_500);
    expect(credit.left(60_000)).toBe(LARGEST);
    credit.set(8_000, 60_000);
    expect(credit.left(120_000)).toBe(2_000_000);
    credit.set(100, 120_000);
    expect(credit.left(120_000)).toBe(LARGEST);
  });
});
