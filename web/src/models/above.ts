import type { MeetingState, Observer } from '../protocol/types';

export interface StandingAbove {
  me: string | null;
  /** `own`: nobody from above is in it for this desk; `taken`: somebody else directs from above. */
  role: 'own' | 'taken' | 'directs' | 'watches';
  readOnly: boolean;
}

/** How the person at this desk stands to the meeting: its own, watching from above, or one of two where one directs. */
export function standingAbove(
  me: string | null,
  state: MeetingState | null,
  observers: readonly Observer[],
): StandingAbove {
  const direction = state?.direction ?? null;
  if (direction !== null) {
    const mine = direction.by.id === me;
    return { me, role: mine ? 'directs' : 'taken', readOnly: !mine };
  }
  const watches = observers.some((one) => one.id === me);
  return { me, role: watches ? 'watches' : 'own', readOnly: watches && state?.status === 'open' };
}
