import type { components } from '../protocol/openapi';

type Schemas = components['schemas'];
export type Wave = Schemas['Wave'];
export type MessageState = Schemas['Message']['state'];

const DAY_MS = 86_400_000;

/** Midnight in Hà Nội of `2021-09-05`, ms. */
export const dayStart = (day: string): number => Date.parse(`${day}T00:00:00+07:00`);

/** Today in Hà Nội as `2021-09-05`. */
export const todayOf = (now: number): string => new Date(now + 7 * 3_600_000).toISOString().slice(0, 10);

/** Days from today: 0 today, negative when it is over. */
export const daysUntil = (day: string, now: number): number =>
  Math.round((dayStart(day) - dayStart(todayOf(now))) / DAY_MS);

export interface DayOfWaves {
  day: string;
  waves: Wave[];
  total: number;
  ready: number;
}

/** Waves by day, as the server orders them. */
export function byDay(waves: readonly Wave[]): DayOfWaves[] {
  const found: DayOfWaves[] = [];
  for (const wave of waves) {
    let last = found.at(-1);
    if (last?.day !== wave.day) {
      last = { day: wave.day, waves: [], total: 0, ready: 0 };
      found.push(last);
    }
    last.waves.push(wave);
    last.total += wave.counts.total;
    last.ready += wave.counts.states.ready ?? 0;
  }
  return found;
}

/** Sites that have never connected: whom a reminder is for. */
export const missing = (wave: Pick<Wave, 'counts'>): number => wave.counts.states.never ?? 0;

/** Letters and texts of the present invitation: given away, and those that need somebody. */
export function invitation(invited: Wave['invited']): Record<MessageState, number> {
  const at = (state: MessageState) => invited[state] ?? 0;
  return {
    queued: at('queued') + at('sending'),
    sending: 0,
    sent: at('sent'),
    failed: at('failed'),
    skipped: at('skipped'),
    uncertain: at('uncertain'),
  };
}

/** The words under `waves.error` for what became of a letter. */
export function reasonOf(
  error: string | null,
):
  | 'no_address'
  | 'moved'
  | 'not_meant'
  | 'day_changed'
  | 'interrupted'
  | 'smtp_disconnected'
  | 'code_not_stored'
  | 'full'
  | 'unknown_user'
  | 'later'
  | 'other' {
  switch (error) {
    case 'no_address':
    case 'moved':
    case 'not_meant':
    case 'day_changed':
    case 'interrupted':
    case 'smtp_disconnected':
    case 'code_not_stored':
      return error;
    case 'smtp_550':
    case 'smtp_551':
    case 'smtp_553':
      return 'unknown_user';
    case 'smtp_552':
    case 'smtp_554':
      return 'full';
    default:
      return error?.startsWith('smtp_4') ? 'later' : 'other';
  }
}

/** Lines of a text area as a list. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
