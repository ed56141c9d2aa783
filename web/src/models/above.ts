import type { CommandName, Me, MeetingState, Observer } from '../protocol/types';

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

/** Stable code of why this desk may not do something, as the server would say it. */
export type Refusal = 'direction_taken' | 'not_directing' | 'forbidden';

/** What whoever directs, or only watches, leaves to the meeting's own: a branch's queue, calls, a word to the desk. */
const FREE: ReadonlySet<CommandName> = new Set<CommandName>([
  'hand.forward',
  'hand.recall',
  'hand.move',
  'message.post',
  'direction.take',
  'direction.return',
  'call.start',
  'call.end',
  'talk.open',
]);

/** What changes the meeting for everybody, and so needs a desk that reaches over all of it. */
const WHOLE: ReadonlySet<CommandName> = new Set<CommandName>([
  'meeting.open',
  'meeting.end',
  'floor.give',
  'floor.extend',
  'list.add',
  'stage.preview',
  'stage.cut',
  'stage.line_up',
  'stage.hold',
  'stage.captions',
  'stage.caption',
  'stage.chair',
  'presentation.start',
]);

/** What the server would refuse this desk for sure; null: it may, or only the server knows. `whole`: a mute of all. */
export function refusalOf(
  command: CommandName,
  who: Pick<Me, 'id' | 'may'> | null,
  state: MeetingState | null,
  observers: readonly Observer[],
  whole = WHOLE.has(command),
): Refusal | null {
  if (state === null || who === null) return null;
  if (!FREE.has(command)) {
    const { role, readOnly } = standingAbove(who.id, state, observers);
    if (readOnly) return role === 'taken' ? 'direction_taken' : 'not_directing';
  }
  // A word with a site needs no desk: a technician has none.
  if (command === 'talk.open') return who.may.includes('talkback') ? null : 'forbidden';
  // What is done to a call is in no role's list: the server knows.
  if (command !== 'call.end' && !who.may.includes(command)) return 'forbidden';
  return (whole ? state.reach === 'centre' : state.reach !== 'site') ? null : 'forbidden';
}
