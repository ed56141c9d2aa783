import { codeOf, Failure } from '../protocol/failure';

/** What can stand in the way of an activation; each has one thing to do (`door.fault.*`). */
export type DoorFault =
  | 'used'
  | 'expired'
  | 'revoked'
  | 'wrong'
  | 'limited'
  | 'insecure'
  | 'storage'
  | 'private'
  | 'offline'
  | 'busy'
  | 'other';

export interface DoorProblem {
  fault: DoorFault;
  /** When the next try may be made, ms of this machine's clock; null: at once. */
  until: number | null;
}

export function problemOf(error: unknown): DoorProblem {
  const reason = error instanceof Failure ? error.reason : null;
  const wait = error instanceof Failure ? error.retryAfter : null;
  const until = wait === null ? null : Date.now() + wait * 1000;
  switch (codeOf(error)) {
    case 'bad_code':
      return {
        fault: reason === 'used' || reason === 'expired' || reason === 'revoked' ? reason : 'wrong',
        until,
      };
    case 'too_many_requests':
      return { fault: 'limited', until: until ?? Date.now() + 60_000 };
    case 'insecure':
      return { fault: 'insecure', until };
    case 'storage_refused':
      return { fault: 'storage', until };
    case 'offline':
      return { fault: 'offline', until };
    case 'busy':
    case 'storage_unavailable':
      return { fault: 'busy', until };
    default:
      return { fault: 'other', until };
  }
}

/** A sheet that is good no more: only another one helps, not another try. */
export const SPENT: ReadonlySet<DoorFault> = new Set(['used', 'expired', 'revoked']);
