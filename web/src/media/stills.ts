import type { Http, Picture } from '../protocol/http';

export interface Still {
  url: string | null;
  /** When the picture was taken, ms; null when there is none. */
  at: number | null;
}

interface Entry extends Still {
  etag: string | null;
  /** Fetch again after this, ms. */
  due: number;
  watchers: Set<() => void>;
  view: Still;
}

const REFRESH_MS = 15_000;
/** A site that has no picture yet is not asked as often. */
const MISSING_MS = 45_000;
const AT_ONCE = 6;
const KEPT = 600;
const NONE: Still = { url: null, at: null };

/**
 * Standing-by pictures of the sites somebody looks at. Only watched ones are fetched, a few at once; `KEPT` others stay
 * for who scrolls back, the longest unseen goes first.
 */
export class Stills {
  private readonly entries = new Map<string, Entry>();
  private readonly flying = new Set<string>();
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly http: Pick<Http, 'snapshot'>,
    private readonly now: () => number = () => Date.now(),
    private readonly refreshMs = REFRESH_MS,
    private readonly missingMs = MISSING_MS,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => this.pump(), 500);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    for (const entry of this.entries.values()) if (entry.url !== null) URL.revokeObjectURL(entry.url);
    this.entries.clear();
  }

  get(site: string): Still {
    return this.entries.get(site)?.view ?? NONE;
  }

  watch(site: string, changed: () => void): () => void {
    let entry = this.entries.get(site);
    if (entry) this.entries.delete(site);
    else entry = { url: null, at: null, etag: null, due: 0, watchers: new Set(), view: NONE };
    // Map order is the order of last use.
    this.entries.set(site, entry);
    entry.watchers.add(changed);
    this.evict();
    this.pump();
    return () => entry.watchers.delete(changed);
  }

  private pump(): void {
    const now = this.now();
    for (const [site, entry] of this.entries) {
      if (this.flying.size >= AT_ONCE) return;
      if (entry.watchers.size > 0 && entry.due <= now && !this.flying.has(site)) void this.fetch(site, entry);
    }
  }

  private async fetch(site: string, entry: Entry): Promise<void> {
    this.flying.add(site);
    try {
      this.take(entry, await this.http.snapshot(site, entry.etag));
    } catch {
      // The picture we have stays, with its age: that is the truth.
    } finally {
      entry.due =
        this.now() + (entry.at === null ? this.missingMs : this.refreshMs) * (0.8 + Math.random() * 0.4);
      this.flying.delete(site);
    }
  }

  private take(entry: Entry, picture: Picture | 'same' | null): void {
    if (picture === 'same') return;
    if (entry.url !== null) URL.revokeObjectURL(entry.url);
    entry.url = picture === null ? null : URL.createObjectURL(picture.blob);
    entry.at = picture?.at ?? null;
    entry.etag = picture?.etag ?? null;
    entry.view = { url: entry.url, at: entry.at };
    for (const changed of entry.watchers) changed();
  }

  private evict(): void {
    if (this.entries.size <= KEPT) return;
    for (const [site, entry] of this.entries) {
      if (entry.watchers.size > 0 || this.flying.has(site)) continue;
      if (entry.url !== null) URL.revokeObjectURL(entry.url);
      this.entries.delete(site);
      if (this.entries.size <= KEPT) return;
    }
  }
}
