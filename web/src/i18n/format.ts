import type { TFunction } from 'i18next';

const ZONE = 'Asia/Ho_Chi_Minh';
// Numbers and dates are the country's in both languages: the two people at a desk must read the same figure.
const numbers = new Intl.NumberFormat('vi-VN');
const oneDigit = new Intl.NumberFormat('vi-VN', { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const shortClock = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  day: '2-digit',
  month: '2-digit',
  year: 'numeric',
});

/** 8991 → `8.991` */
export const formatNumber = (n: number): string => numbers.format(n);
/** 0.005 → `0,5 %` */
export const formatShare = (share: number): string => `${oneDigit.format(share * 100)} %`;
/** `20:14:05` */
export const formatClock = (ms: number): string => clock.format(ms);
/** `20:14` */
export const formatMinute = (ms: number): string => shortClock.format(ms);
/** `05/09/2021` */
export const formatDay = (ms: number): string => day.format(ms);
/** `05/09/2021 20:14:05` */
export const formatExact = (ms: number): string => `${formatDay(ms)} ${formatClock(ms)}`;
/** bit/s → `1,2 Mbit/s` */
export const formatRate = (bps: number): string =>
  bps >= 1e6 ? `${oneDigit.format(bps / 1e6)} Mbit/s` : `${numbers.format(Math.round(bps / 1e3))} kbit/s`;

/** `01:12:33`, from ms; never negative. */
export function formatSpan(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** `02:05`, hours only when there are any. */
export function formatShortSpan(ms: number): string {
  const long = formatSpan(ms);
  return long.startsWith('00:') ? long.slice(3) : long;
}

/** `12 giây`, `5 phút`, `3 giờ`: a span in its largest unit. */
export function relativeSpan(t: TFunction, ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return t('time.seconds', { count: s });
  if (s < 3600) return t('time.minutes', { count: Math.floor(s / 60) });
  if (s < 86_400) return t('time.hours', { count: Math.floor(s / 3600) });
  return t('time.days', { count: Math.floor(s / 86_400) });
}

/** `12 giây trước`; the first seconds are `vừa xong`. */
export function relativeAge(t: TFunction, ms: number): string {
  return ms < 5_000 ? t('time.now') : t('time.ago', { span: relativeSpan(t, ms) });
}
