import type { YouRehearsal } from '../protocol/types';

export const REHEARSAL_STEPS = ['connect', 'see', 'hear', 'speak'] as const;
export type RehearsalStep = (typeof REHEARSAL_STEPS)[number];

/** The one thing that the page says of a rehearsal. */
export type RehearsalSaid = 'connect' | 'see' | 'hear' | 'wait' | 'say' | 'fault' | 'through' | 'over';

/** What is said: a fault before the step that it keeps, the end before all. `before`: what was told last. */
export function rehearsalSaid(now: YouRehearsal | null, before: YouRehearsal | null): RehearsalSaid | null {
  const told = now ?? before;
  if (told === null) return null;
  if (told.step === null) return 'through';
  if (now === null) return 'over';
  if (told.turn?.now === true) return 'say';
  if (told.fault !== null) return 'fault';
  return told.step === 'speak' ? 'wait' : told.step;
}

/** Whether there is still something to see or to hear. */
export const watches = (told: YouRehearsal | null): boolean =>
  told !== null && !(told.done.includes('see') && told.done.includes('hear'));

/** The machine's bell is not to sound in a room that has heard it, least of all while somebody speaks there. */
export const quiets = (told: YouRehearsal | null): boolean => told?.done.includes('hear') === true;
