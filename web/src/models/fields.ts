import type { Slots } from '../protocol/types';

/** Fields of an event's data, as what they should be. */
export const text = (v: unknown): string | null => (typeof v === 'string' ? v : null);
export const number = (v: unknown): number | null => (typeof v === 'number' ? v : null);
export const list = (v: unknown): string[] =>
  Array.isArray(v) ? v.filter((x) => typeof x === 'string') : [];
export const slots = (v: unknown): Slots => (Array.isArray(v) ? v.map((x) => text(x)) : [null]);
export const record = (v: unknown): Record<string, unknown> =>
  typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {};
