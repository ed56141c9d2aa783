import type { Check, Talk, YouTalk } from '../protocol/types';

/** A press shorter than this, twice within `TWICE_MS`, latches. */
const SHORT_MS = 300;
const TWICE_MS = 450;

export type PressState = 'off' | 'held' | 'latched';

/** Push to talk: held is on; two short presses stay on; one more press ends that. Times are of any steady clock, ms. */
export class PushToTalk {
  state: PressState = 'off';
  private downAt = 0;
  private shortAt = Number.NEGATIVE_INFINITY;
  /** This press ended a latch: its release begins nothing. */
  private ending = false;

  down(now: number): PressState {
    this.ending = this.state === 'latched';
    this.downAt = now;
    this.state = this.ending ? 'off' : 'held';
    return this.state;
  }

  up(now: number): PressState {
    if (this.state !== 'held') {
      this.ending = false;
      return this.state;
    }
    const short = now - this.downAt < SHORT_MS;
    const twice = short && now - this.shortAt < TWICE_MS;
    this.shortAt = short && !twice ? now : Number.NEGATIVE_INFINITY;
    this.state = twice ? 'latched' : 'off';
    return this.state;
  }

  /** The page went out of sight, or the word ended: nobody speaks on unseen. */
  reset(): void {
    this.state = 'off';
    this.shortAt = Number.NEGATIVE_INFINITY;
  }
}

/** What is to be sent so that the server has what is wanted; nothing while an answer is awaited. */
export type Step = { do: 'open'; site: string } | { do: 'say'; talk: string; site: string; on: boolean };

/** `wanted`: by site, whether this operator wants to be heard; `busy`: sites of which a command is on its way. */
export function stepsTo(
  wanted: ReadonlyMap<string, boolean>,
  mine: readonly Talk[],
  busy: ReadonlySet<string>,
): Step[] {
  const steps: Step[] = [];
  for (const [site, on] of wanted) {
    if (busy.has(site)) continue;
    const talk = mine.find((t) => t.site === site);
    if (talk === undefined) {
      if (on) steps.push({ do: 'open', site });
    } else if (talk.speaks !== on) steps.push({ do: 'say', talk: talk.id, site, on });
  }
  return steps;
}

/** Who speaks with this site now, and whether anybody of them is heard. */
export interface Heard {
  names: string[];
  speaks: boolean;
  answers: boolean;
}

export function heardAt(talks: readonly YouTalk[]): Heard {
  const names = talks.map((t) => [t.by.title, t.by.name].filter(Boolean).join(' '));
  return {
    names: [...new Set(names)],
    speaks: talks.some((t) => t.speaks),
    answers: talks.some((t) => t.answers),
  };
}

/** The two marks of who comes next. `unknown`: it is not lined up, so nobody looks. */
export type Marks = { picture: boolean; voice: boolean; check: Check } | 'unknown';

export function marksOf(checks: Readonly<Record<string, Check>>, site: string): Marks {
  const check = checks[site];
  return check === undefined ? 'unknown' : { picture: check.picture, voice: check.voice !== null, check };
}

/** Sites of a preview whose picture does not come: who cuts to them is warned. */
export function missingPictures(
  slots: readonly (string | null)[],
  checks: Readonly<Record<string, Check>>,
): string[] {
  return slots.filter((s): s is string => s !== null && checks[s]?.picture === false);
}
