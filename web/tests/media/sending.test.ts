import { describe, expect, it } from 'vitest';
import { Allowance, sums, type Layers } from '../../src/media/sending';

const SOUND = 55_000;

/** One reading a second of estimates in kbit/s, from second `from` on. */
function read(allowance: Allowance, from: number, estimates: readonly number[]): Layers[] {
  return estimates.map((kbps, i) => allowance.next((from + i) * 1000, kbps * 1000, SOUND));
}

const times = (n: number, kbps: number): number[] => Array.from({ length: n }, () => kbps);

describe('what a line carries beside the sound', () => {
  it('keeps both layers while a connection is still finding its rate', () => {
    const said = read(new Allowance(0), 1, [300, 300, 300, 320, 900, 2000]);
    expect(said.every(({ both }) => both)).toBe(true);
  });

  it('leaves the large layer at the second reading of a narrow line, and sound its part', () => {
    const [first, second] = read(new Allowance(0), 60, [145, 120]);
    expect(first).toEqual({ both: true, small: 220_000 });
    expect(second).toEqual({ both: false, small: 0.8 * 120_000 - SOUND });
  });

  it('never starves the small layer', () => {
    expect(read(new Allowance(0), 60, [60, 60]).at(-1)).toEqual({ both: false, small: 30_000 });
  });

  it('is not moved by one low reading', () => {
    expect(read(new Allowance(0), 60, [2000, 150, 2000, 150, 2000]).every(({ both }) => both)).toBe(true);
  });

  it('begins the large layer again when the small one no longer shows what the line would carry', () => {
    const allowance = new Allowance(0);
    read(allowance, 60, [150, 150]);
    const said = read(allowance, 62, [150, 170, 190, 210, 230, 240, 245, 246, 246, 246]);
    expect(said.map(({ both }) => both).indexOf(true)).toBe(9);
    expect(read(allowance, 72, [246, 250, 800, 2000]).every(({ both }) => both)).toBe(true);
  });

  it('tries less and less often on a line that carries the small layer only', () => {
    const allowance = new Allowance(0);
    const begun: number[] = [];
    let both = true;
    for (let second = 60; second < 360; second += 1) {
      const next = allowance.next(second * 1000, 250_000, SOUND);
      if (next.both && !both) begun.push(second);
      both = next.both;
    }
    const waits = begun.slice(1).map((at, i) => at - (begun[i] ?? 0));
    expect(waits.length).toBeGreaterThan(3);
    expect(waits.slice(0, 3)).toEqual([...waits.slice(0, 3)].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThanOrEqual(60);
  });

  it('tries soon again after half a minute that went well', () => {
    const allowance = new Allowance(0);
    for (let round = 0; round < 4; round += 1) read(allowance, 100 + round * 100, [...times(80, 250)]);
    for (let second = 600; second < 760; second += 1) allowance.next(second * 1000, 2_000_000, SOUND);
    read(allowance, 800, times(2, 150));
    const back = read(allowance, 802, times(20, 250)).map(({ both }) => both);
    expect(back.indexOf(true)).toBeLessThanOrEqual(10);
  });
});

describe('what the browser says', () => {
  const sound = {
    type: 'outbound-rtp',
    kind: 'audio',
    bytesSent: 1000,
    headerBytesSent: 100,
    packetsSent: 10,
  };

  it('counts what the sound takes on the line', () => {
    const pair = { type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 150_000 };
    const read = sums(Object.entries({ sound, pair, other: { ...pair, nominated: false } }), 5);
    expect(read).toEqual({ at: 5, estimate: 150_000, soundBytes: 1380 });
  });

  it('knows nothing where there is no estimate', () => {
    expect(sums(Object.entries({ sound, pair: { type: 'candidate-pair', nominated: true } }), 5)).toBeNull();
  });
});
