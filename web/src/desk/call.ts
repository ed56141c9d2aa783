import type { CommandName, Commands, MeetingState } from '../protocol/types';
import { lookOf, withPreview } from '../models/stage';

/** Where a site can be called from: a desk, a wall, the leader's screen. */
export interface Caller {
  /** Commands that this person may do somewhere. */
  readonly may: readonly string[];
  readonly state: MeetingState | null;
  command<T extends CommandName>(type: T, args: Commands[T]): Promise<boolean>;
}

/**
 * Calls a site: its page rings or answers, and its picture comes up at the desk. One that is in the meeting already need
 * not be rung: it is previewed, or by who may not do that given the floor, which puts it on the stage. False when it was
 * refused; the caller has been told why.
 */
export function callSite(from: Caller, site: string, joined: boolean): Promise<boolean> {
  const stage = from.state?.stage;
  if (stage?.on_air.includes(site)) return Promise.resolve(true);
  if (!joined && from.may.includes('call.start')) return from.command('call.start', { site });
  if (from.may.includes('stage.preview'))
    return from.command('stage.preview', withPreview(lookOf(stage, 'preview'), site, null));
  return from.command('floor.give', { site });
}
