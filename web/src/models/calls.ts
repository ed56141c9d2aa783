import type { Call } from '../protocol/types';

const OVER: ReadonlySet<Call['state']> = new Set(['no_answer', 'offline', 'busy', 'ended', 'interrupted']);
const UNTAKEN: ReadonlySet<Call['state']> = new Set(['no_answer', 'offline', 'busy']);

export const isOver = (call: Call): boolean => OVER.has(call.state);

/** Nobody took it: the desk offers the phones and the level above. */
export const isUntaken = (call: Call): boolean => UNTAKEN.has(call.state);

/** It runs and its picture is not there yet. */
export const awaitsCall = (call: Call): boolean => call.state === 'ringing' || call.state === 'calling';

/** Seconds from the call to the answer, null while nobody has. */
export function answeredAfter(call: Pick<Call, 'at' | 'answered_at'>): number | null {
  if (call.answered_at === null) return null;
  return Math.max(0, Math.round((Date.parse(call.answered_at) - Date.parse(call.at)) / 1000));
}
