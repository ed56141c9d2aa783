import { canDecode } from '../codecs';
import type { Codec } from '../../protocol/types';

interface Hints {
  brands?: readonly { brand: string; version: string }[];
  platform?: string;
}

const BROWSERS: readonly [RegExp, string][] = [
  [/coc_coc_browser\/(\d+)/, 'Cốc Cốc'],
  [/SamsungBrowser\/(\d+)/, 'Samsung Internet'],
  [/Edg(?:A|iOS)?\/(\d+)/, 'Edge'],
  [/OPR\/(\d+)/, 'Opera'],
  [/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/Version\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari/, 'Safari'],
];

const SYSTEMS: readonly [RegExp, (found: RegExpExecArray) => string][] = [
  [/Windows NT ([\d.]+)/, (m) => `Windows ${m[1] === '10.0' ? '10/11' : (m[1] ?? '')}`],
  [/Android ([\d]+)/, (m) => `Android ${m[1] ?? ''}`],
  [/(?:iPhone|iPad).* OS (\d+)/, (m) => `iOS ${m[1] ?? ''}`],
  [/Mac OS X/, () => 'macOS'],
  [/CrOS/, () => 'ChromeOS'],
  [/Linux/, () => 'Linux'],
];

/** Browser and version in words, from the user agent. */
export function browserOf(agent: string): string {
  for (const [pattern, name] of BROWSERS) {
    const found = pattern.exec(agent);
    if (found) return `${name} ${found[1] ?? ''}`.trim();
  }
  return 'khác';
}

/** Operating system in words. */
export function systemOf(agent: string, hints?: Hints): string {
  for (const [pattern, name] of SYSTEMS) {
    const found = pattern.exec(agent);
    if (found) return name(found).trim();
  }
  return hints?.platform?.slice(0, 40) ?? 'khác';
}

/** What this browser can show. */
export const shownCodecs = (): Codec[] => (['h264', 'vp8'] as const).filter(canDecode);
