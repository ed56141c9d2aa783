/** A site's picture as the wall holds it, beside what the server is known to have. */
export interface Held {
  /** Number of the picture that is here; 0: none. */
  have: number;
  /** Number of the newest that the server told of. */
  newest: number;
  /** When a picture last came, in any steady measure; 0: never. */
  servedAt: number;
}

/** Of so many pictures, one is for the tiles that are out of sight, whatever those in sight want. */
export const SHARE_OF_REST = 5;

/**
 * Sites to ask for, in the order in which their pictures are to come: those in sight before the rest, among each the
 * longest unserved first, and one in five of the rest in any case. The server ends at the first that does not fit.
 */
export function askFor(
  sites: Iterable<[site: string, held: Held]>,
  visible: ReadonlySet<string>,
  most: number,
): string[] {
  const near: [string, number][] = [];
  const far: [string, number][] = [];
  for (const [site, held] of sites)
    if (held.newest > held.have) (visible.has(site) ? near : far).push([site, held.servedAt]);
  const oldest = (a: [string, number], b: [string, number]) => a[1] - b[1];
  near.sort(oldest);
  far.sort(oldest);
  const asked: string[] = [];
  for (let n = 0, f = 0; asked.length < most && (n < near.length || f < far.length);) {
    const rest = n >= near.length || (f < far.length && asked.length % SHARE_OF_REST === SHARE_OF_REST - 1);
    const next = rest ? far[f++] : near[n++];
    if (next !== undefined) asked.push(next[0]);
  }
  return asked;
}

/**
 * What may be fetched now, in bytes: it fills at the set rate, and holds at most two seconds of it, or one picture of the
 * largest size, so that at any rate each comes at some time.
 */
export class Credit {
  private level: number;
  private at: number;

  constructor(
    private kbits: number,
    now: number,
    private readonly largest = 128 * 1024,
  ) {
    this.at = now;
    this.level = this.most();
  }

  set(kbits: number, now: number): void {
    this.left(now);
    this.kbits = kbits;
    this.level = Math.min(this.level, this.most());
  }

  left(now: number): number {
    this.level = Math.min(this.most(), this.level + (Math.max(0, now - this.at) * this.kbits) / 8);
    this.at = now;
    return Math.max(0, Math.floor(this.level));
  }

  spend(bytes: number): void {
    this.level -= bytes;
  }

  private most(): number {
    return Math.max(this.kbits * 250, this.largest);
  }
}
