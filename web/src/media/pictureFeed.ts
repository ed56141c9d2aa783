import { createStore, type StoreApi } from 'zustand/vanilla';
import { askFor, Credit, type Held } from '../models/wall/fair';
import { codeOf, Failure } from '../protocol/failure';
import type { PicturesAnswer } from '../protocol/pictures';
import type { Still } from './stills';

interface Entry extends Held {
  /** Which copy is here. */
  size: 'small' | 'full';
  /** When the picture that is here was taken, ms of the server's clock. */
  at: number | null;
  body: Uint8Array<ArrayBuffer> | null;
  url: string | null;
  watchers: Set<() => void>;
  view: Still;
}

export interface FeedState {
  /** Bytes a second that came of late. */
  rate: number;
  /** Sites whose newer picture has not come yet. */
  behind: number;
  /** Sites whose picture is here. */
  held: number;
  /** Stable code of why nothing comes; null while it does. */
  trouble: string | null;
}

export interface PicturesQuestion {
  run: string;
  since: number;
  wanted: [string, number][];
  most: number;
  size: 'small' | 'full';
}

const SOON_MS = 60;
/** Between two questions, whatever happens. */
const APART_MS = 200;
const BUSY_MS = 500;
const IDLE_MS = 1_500;
const HIDDEN_MS = 10_000;
const TROUBLE_MS = 5_000;
const MOST_ASKED = 400;
/** Of one call's arguments, which are on the stack. */
const AT_ONCE = 8_192;
const NONE: Still = { url: null, at: null };

/**
 * Standing-by pictures of many sites: one question at a time names what is wanted, the answer brings as much of it as the
 * budget allows and says which others have changed. Pictures are kept as bytes; only a tile that is drawn has a URL, which is
 * the picture itself: a `blob:` one costs the page a call into the browser's process, and a wall that scrolls makes a
 * hundred a second.
 */
export class PictureFeed {
  readonly store: StoreApi<FeedState> = createStore<FeedState>(() => ({
    rate: 0,
    behind: 0,
    held: 0,
    trouble: null,
  }));
  private readonly entries = new Map<string, Entry>();
  private scope: ReadonlySet<string> = new Set();
  private run = '';
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running = false;
  private asking = false;
  private hurry = false;
  private askedAt = Number.NEGATIVE_INFINITY;
  private size: 'small' | 'full';
  private readonly credit: Credit;
  private recent: [at: number, bytes: number][] = [];

  constructor(
    private readonly ask: (question: PicturesQuestion) => Promise<PicturesAnswer>,
    options: { kbits: number; size: 'small' | 'full' },
    private readonly now: () => number = () => performance.now(),
    private readonly hidden: () => boolean = () => document.visibilityState === 'hidden',
  ) {
    this.size = options.size;
    this.credit = new Credit(options.kbits, now());
  }

  /** From now on it asks; again while it does: nothing. */
  start(): void {
    if (this.running) return;
    this.running = true;
    void this.turn();
  }

  stop(): void {
    this.running = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.entries.clear();
    this.run = '';
    this.since = 0;
  }

  /** Sites whose pictures are kept though nobody looks; others only while somebody does. */
  keep(sites: readonly string[]): void {
    this.scope = new Set(sites);
    for (const [site, entry] of this.entries)
      if (entry.watchers.size === 0 && !this.scope.has(site)) this.entries.delete(site);
    this.soon();
  }

  setBudget(kbits: number): void {
    this.credit.set(kbits, this.now());
  }

  /** Larger copies are fetched of what is looked at. */
  setSize(size: 'small' | 'full'): void {
    if (size === this.size) return;
    this.size = size;
    for (const entry of this.entries.values()) if (entry.watchers.size > 0) this.enlarge(entry);
    this.soon();
  }

  get(site: string): Still {
    return this.entries.get(site)?.view ?? NONE;
  }

  /** When the picture of a site that is here was taken, ms; null: none is. */
  takenAt(site: string): number | null {
    return this.entries.get(site)?.at ?? null;
  }

  watch(site: string, changed: () => void): () => void {
    const entry = this.entry(site);
    entry.watchers.add(changed);
    this.enlarge(entry);
    if (entry.body !== null && entry.url === null) this.draw(entry);
    if (entry.newest > entry.have) this.soon();
    return () => {
      entry.watchers.delete(changed);
      if (entry.watchers.size > 0) return;
      entry.url = null;
      entry.view = { url: null, at: entry.at };
      if (!this.scope.has(site)) this.entries.delete(site);
    };
  }

  private entry(site: string): Entry {
    let entry = this.entries.get(site);
    if (entry === undefined) {
      entry = {
        size: 'small',
        have: 0,
        // What was told of it before is not known here any more: it is asked for by name.
        newest: 1,
        servedAt: 0,
        at: null,
        body: null,
        url: null,
        watchers: new Set(),
        view: NONE,
      };
      this.entries.set(site, entry);
    }
    return entry;
  }

  private enlarge(entry: Entry): void {
    if (this.size === 'full' && entry.size === 'small') entry.have = 0;
  }

  private visible(): Set<string> {
    const seen = new Set<string>();
    for (const [site, entry] of this.entries) if (entry.watchers.size > 0) seen.add(site);
    return seen;
  }

  /** Somebody looks at something new: the next question need not wait for the idle pause. */
  private soon(): void {
    this.hurry = true;
    if (!this.running || this.asking) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.turn(), this.soonMs());
  }

  private soonMs(): number {
    return Math.max(SOON_MS, this.askedAt + APART_MS - this.now());
  }

  private async turn(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.asking || !this.running) return;
    this.asking = true;
    this.hurry = false;
    this.askedAt = this.now();
    let pause = IDLE_MS;
    try {
      const most = this.credit.left(this.now());
      const { size } = this;
      const wanted = askFor(this.entries, this.visible(), MOST_ASKED);
      const answer = await this.ask({
        run: this.run,
        since: this.since,
        wanted: wanted.map((site) => [site, this.entries.get(site)?.have ?? 0]),
        most: Math.min(most, 1 << 20),
        size,
      });
      this.credit.spend(answer.bytes);
      this.take(answer, wanted, size);
      if (answer.head.more || answer.head.full || wanted.length === MOST_ASKED) pause = BUSY_MS;
      if (this.hurry as boolean) pause = this.soonMs();
    } catch (error) {
      this.store.setState({ trouble: codeOf(error) });
      pause = Math.max(TROUBLE_MS, (error instanceof Failure ? (error.retryAfter ?? 0) : 0) * 1000);
    } finally {
      this.asking = false;
    }
    if (this.hidden()) pause = Math.max(pause, HIDDEN_MS);
    // `stop` may have been called while the answer was on its way.
    if (this.running as boolean) this.timer = setTimeout(() => void this.turn(), pause);
  }

  private take(
    { head, bodies, bytes }: PicturesAnswer,
    wanted: readonly string[],
    size: 'small' | 'full',
  ): void {
    const now = this.now();
    if (head.run !== this.run) {
      // Another memory: what is here stays with its age, what it has is told anew.
      this.run = head.run;
      for (const entry of this.entries.values()) entry.have = entry.newest = 0;
    }
    this.since = head.next;
    for (const [site, number] of head.news) {
      const known = this.entries.get(site) ?? (this.scope.has(site) ? this.entry(site) : undefined);
      if (known !== undefined) known.newest = number;
    }
    head.pictures.forEach(([site, number, at], i) => {
      const entry = this.entries.get(site);
      const body = bodies[i];
      if (entry === undefined || body === undefined) return;
      entry.have = number;
      entry.newest = Math.max(entry.newest, number);
      entry.servedAt = now;
      entry.at = at;
      entry.body = body;
      entry.size = size;
      if (entry.watchers.size > 0) this.draw(entry);
      else entry.view = { url: null, at };
      for (const changed of entry.watchers) changed();
    });
    // Asked for and passed over: the server has nothing newer. It ends at the first that does not fit.
    const last = head.pictures.at(-1)?.[0];
    const looked = head.full ? (last === undefined ? 0 : wanted.indexOf(last)) : wanted.length;
    for (const site of wanted.slice(0, looked)) {
      const entry = this.entries.get(site);
      if (entry !== undefined) entry.newest = entry.have;
    }
    this.count(now, bytes);
  }

  private draw(entry: Entry): void {
    entry.url = entry.body === null ? null : dataUrl(entry.body);
    entry.view = { url: entry.url, at: entry.at };
  }

  private count(now: number, bytes: number): void {
    this.recent = [...this.recent.filter(([at]) => now - at < 10_000), [now, bytes]];
    const sum = this.recent.reduce((total, [, one]) => total + one, 0);
    let behind = 0;
    let held = 0;
    for (const entry of this.entries.values()) {
      if (entry.newest > entry.have) behind += 1;
      if (entry.body !== null) held += 1;
    }
    this.store.setState({ rate: sum / 10, behind, held, trouble: null });
  }
}

function dataUrl(jpeg: Uint8Array): string {
  let text = '';
  for (let at = 0; at < jpeg.length; at += AT_ONCE)
    text += String.fromCharCode(...jpeg.subarray(at, at + AT_ONCE));
  return `data:image/jpeg;base64,${btoa(text)}`;
}
