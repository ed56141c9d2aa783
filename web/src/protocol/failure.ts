import type { Problem, RollEntry } from './types';

/**
 * The one error of this layer. `code` is the server's stable code, or one of ours:
 * `offline` (no answer from the server), `timeout` (a command was not answered in time), `crowded` (too many waiting),
 * `not_authenticated` (no key of a site here), `insecure` (no https), `storage_refused` (the browser keeps no key).
 */
export class Failure extends Error {
  readonly code: string;
  readonly status: number;
  /** Seconds the server asks us to wait, from `Retry-After`. */
  readonly retryAfter: number | null;
  /** What more a problem says of its code. */
  readonly reason: string | null;
  /** Of `entry_conflict`: the entries as they are now. */
  readonly conflicts: readonly RollEntry[];

  constructor(problem: Problem, retryAfter: number | null = null) {
    super(problem.detail ?? problem.title);
    this.name = 'Failure';
    this.code = problem.code;
    this.status = problem.status;
    this.retryAfter = retryAfter;
    this.reason = problem.reason ?? null;
    this.conflicts = problem.conflicts ?? [];
  }

  static local(
    code: 'offline' | 'timeout' | 'crowded' | 'not_authenticated' | 'insecure' | 'storage_refused',
    why: string,
  ): Failure {
    return new Failure({ code, status: 0, title: why });
  }
}

/** Reads the code of whatever was thrown; `unknown` for what is not ours. */
export function codeOf(error: unknown): string {
  return error instanceof Failure ? error.code : 'unknown';
}

/** A problem document, or null when the value is none. */
export function asProblem(value: unknown): Problem | null {
  if (typeof value !== 'object' || value === null) return null;
  const { code, status, title, detail, reason, conflicts } = value as Record<string, unknown>;
  if (typeof code !== 'string') return null;
  return {
    code,
    status: typeof status === 'number' ? status : 0,
    title: typeof title === 'string' ? title : code,
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(Array.isArray(conflicts) ? { conflicts: conflicts as RollEntry[] } : {}),
  };
}
