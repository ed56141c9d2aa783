import { describe, expect, it } from 'vitest';
import { en } from '../../src/i18n/en';
import {
  formatDay,
  formatExact,
  formatNumber,
  formatRate,
  formatShare,
  formatShortSpan,
  formatSpan,
} from '../../src/i18n/format';
import { vi } from '../../src/i18n/vi';

interface Tree {
  [key: string]: string | Tree;
}

function leaves(tree: Tree, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value] as [string, string]] : leaves(value, `${path}${key}.`),
  );
}

const holes = (text: string) => [...text.matchAll(/\{\{\s*(\w+)/g)].map((m) => m[1]).sort();

describe('the two languages', () => {
  const first = new Map(leaves(vi));
  const second = new Map(leaves(en));

  it('have the same keys', () => {
    expect([...second.keys()].sort()).toEqual([...first.keys()].sort());
  });

  it('say something everywhere, with the same values in it', () => {
    for (const [key, text] of first) {
      expect(text.trim(), key).not.toBe('');
      expect(second.get(key)?.trim(), key).not.toBe('');
      expect(holes(second.get(key) ?? ''), key).toEqual(holes(text));
    }
  });

  it('are not the same text, but for names', () => {
    const same = [...first].filter(([key, text]) => second.get(key) === text).map(([key]) => key);
    expect(same.sort()).toEqual([
      'app.name',
      'codec.h264',
      'codec.vp8',
      'desk.findExample',
      'prepare.ios',
      'prepare.linux',
      'prepare.mac',
      'prepare.windows',
      'site.camera',
      'waves.progress',
      'waves.write.en',
      'waves.write.vi',
    ]);
  });
});

describe('figures', () => {
  const at = Date.parse('2021-09-05T01:30:05.000Z');

  it('are written the Vietnamese way, in the time of Hà Nội', () => {
    expect(formatNumber(8991)).toBe('8.991');
    expect(formatShare(0.005)).toBe('0,5 %');
    expect(formatRate(1_240_000)).toBe('1,2 Mbit/s');
    expect(formatDay(at)).toBe('05/09/2021');
    expect(formatExact(at)).toBe('05/09/2021 08:30:05');
  });

  it('count time up', () => {
    expect(formatSpan(4_353_000)).toBe('01:12:33');
    expect(formatShortSpan(125_000)).toBe('02:05');
    expect(formatSpan(-5)).toBe('00:00:00');
  });
});
