import { createStore, type StoreApi } from 'zustand/vanilla';
import { callSite } from '../desk/call';
import { Pins } from '../desk/pins';
import { PictureFeed } from '../media/pictureFeed';
import { isMeant, isNamed, type SiteNode } from '../models/roster';
import { LIVE_LINES, LiveLines } from '../models/wall/lines';
import { driftOf, orderOf, type WallOrder } from '../models/wall/order';
import { Patrol, type PatrolView } from '../models/wall/patrol';
import { staleAfter } from '../models/wall/stale';
import type { Http } from '../protocol/http';
import type { ScreenOrder, ScreenStatus, Show, Slots, WallLayout, WallPatrol } from '../protocol/types';
import { askPictures } from './api';
import { ScreenSession, STAGE_LINES } from './session';

export interface WallFacets {
  layout: WallLayout;
  /** Name under which this layout is kept, when it is as it was kept. */
  named: string | null;
  order: WallOrder;
  /** Tiles that would come and go if the wall were laid out anew. */
  drift: { added: number; gone: number };
  /** Which site each live line shows. */
  lines: Slots;
  /** Sites that should be live and find no line. */
  refused: readonly string[];
  patrol: PatrolView | null;
  /** The tile of the keyboard. */
  at: number;
}

export const DEFAULT_LAYOUT: WallLayout = {
  unit: null,
  state: 'all',
  text: '',
  size: 'm',
  view: 'wall',
  pins: [],
  patrol: null,
  kbits: 4000,
};

const EMPTY: WallOrder = { groups: [], sites: [], place: new Map() };
/** A pointer that only passes over a tile wakes no camera. */
const DWELL_MS = 450;
/** A tile that was left stays live a little: the pointer may come back. */
const LINGER_MS = 4_000;
/** Tiles live by the pointer alone. */
const HOVERED = 3;
const KEY = 'dc.wall';

/** Everything the wall does; its parts only show it. */
export class WallSession extends ScreenSession {
  readonly wall: StoreApi<WallFacets>;
  readonly feed: PictureFeed;
  private readonly pins: Pins;
  private readonly lines = new LiveLines(LIVE_LINES);
  private patrol: Patrol | null = null;
  private hovered: string[] = [];
  private cancelDwell: (() => void) | null = null;
  private readonly lingering = new Map<string, () => void>();

  constructor(http: Http, meeting: string, tab: string, label: string) {
    super(http, meeting, tab, {
      kind: 'wall',
      videoLines: STAGE_LINES + LIVE_LINES,
      topics: ['presence'],
      roster: true,
      label,
    });
    this.wall = createStore<WallFacets>(() => ({
      layout: remembered(),
      named: null,
      order: EMPTY,
      drift: { added: 0, gone: 0 },
      lines: Array.from({ length: LIVE_LINES }, () => null),
      refused: [],
      patrol: null,
      at: 0,
    }));
    const { kbits, size } = this.wall.getState().layout;
    this.feed = new PictureFeed(askPictures, { kbits, size: copyFor(size) });
    this.pins = new Pins(http, STAGE_LINES, LIVE_LINES);
  }

  override start(): void {
    super.start();
    this.undoing.push(
      this.roster.version.subscribe(() => this.looked()),
      this.viewer.store.subscribe((now, before) => {
        if (now.viewer !== before.viewer) this.pins.use(now.viewer);
      }),
      // Asked for only by who is known, and may see them.
      this.wire.state.subscribe((now, before) => {
        if (now.who !== before.who && now.who?.may.includes('site.snapshot') === true) this.feed.start();
      }),
    );
  }

  override close(): void {
    this.patrol?.stop();
    this.cancelDwell?.();
    for (const cancel of this.lingering.values()) cancel();
    this.pins.use(null);
    this.feed.stop();
    super.close();
  }

  /** Lays the wall out anew: the only way in which tiles come, go or move. */
  arrange(): void {
    const { layout } = this.wall.getState();
    const order = orderOf(this.roster, layout.unit, this.fits(layout));
    this.wall.setState({ order, drift: { added: 0, gone: 0 }, at: 0 });
    this.feed.keep(order.sites);
  }

  /** Changes the layout by the operator's act. */
  change(part: Partial<WallLayout>): void {
    this.use({ ...this.wall.getState().layout, ...part }, null);
  }

  use(layout: WallLayout, named: string | null): void {
    const before = this.wall.getState().layout;
    this.wall.setState({ layout, named });
    localStorage.setItem(KEY, JSON.stringify(layout));
    if (layout.kbits !== before.kbits) this.feed.setBudget(layout.kbits);
    if (layout.size !== before.size) this.feed.setSize(copyFor(layout.size));
    if (layout.unit !== before.unit || layout.state !== before.state || layout.text !== before.text)
      this.arrange();
    if (layout.patrol !== before.patrol) this.setPatrol(layout.patrol);
    this.light();
  }

  kept(name: string | null): void {
    this.wall.setState({ named: name });
  }

  go(at: number): void {
    this.wall.setState({ at });
  }

  /** The pointer, or the focus, is on a tile; null: on none. */
  point(site: string | null): void {
    this.cancelDwell?.();
    this.cancelDwell = null;
    if (site === null) return;
    this.lingering.get(site)?.();
    this.cancelDwell = after(DWELL_MS, () => {
      this.hovered = [site, ...this.hovered.filter((one) => one !== site)].slice(0, HOVERED);
      this.light();
    });
  }

  /** The pointer has left a tile. */
  leave(site: string): void {
    this.point(null);
    if (!this.hovered.includes(site)) return;
    this.lingering.get(site)?.();
    const cancel = after(LINGER_MS, () => {
      this.lingering.delete(site);
      this.hovered = this.hovered.filter((one) => one !== site);
      this.light();
    });
    this.lingering.set(site, () => {
      cancel();
      this.lingering.delete(site);
    });
  }

  pin(site: string): void {
    const { pins } = this.wall.getState().layout;
    if (pins.includes(site)) {
      this.hovered = this.hovered.filter((one) => one !== site);
      this.change({ pins: pins.filter((one) => one !== site) });
    } else if (pins.length < LIVE_LINES) this.change({ pins: [...pins, site] });
    else this.facets.setState({ notice: { code: 'pins_full', at: Date.now() } });
  }

  call(site: string): void {
    void callSite(this, site, this.roster.sites.get(site)?.joined ?? false);
  }

  obey(order: ScreenOrder): void {
    if (order === 'next') this.patrol?.forward();
    else if (order === 'previous') this.patrol?.back();
    else if (order === 'pause' || order === 'resume') this.patrol?.pause(order === 'pause');
  }

  protected override status(): ScreenStatus {
    const { patrol, lines } = this.wall.getState();
    return {
      ...super.status(),
      live: lines.filter((site) => site !== null).length,
      patrol: patrol === null ? null : { at: patrol.at, of: patrol.of, paused: patrol.paused },
    };
  }

  protected override told(show: Show, order: ScreenOrder | null): void {
    const before = this.facets.getState().show.layout;
    super.told(show, order);
    if (show.layout !== null && JSON.stringify(show.layout) !== JSON.stringify(before))
      this.use(show.layout, null);
    if (order !== null) this.obey(order);
  }

  private looked(): void {
    const { order, layout, patrol } = this.wall.getState();
    if (this.roster.sites.size === 0) return;
    if (order.sites.length === 0) {
      this.arrange();
      if (patrol === null) this.setPatrol(layout.patrol);
    } else
      this.wall.setState({ drift: driftOf(order, orderOf(this.roster, layout.unit, this.fits(layout))) });
  }

  private fits(layout: WallLayout): (site: SiteNode) => boolean {
    const { skew, pictureS } = this.wire.state.getState();
    const oldest = Date.now() + skew - staleAfter(pictureS);
    const stands = (site: SiteNode): boolean => {
      const at = this.feed.takenAt(site.id);
      switch (layout.state) {
        case 'present':
          return site.joined;
        case 'absent':
          return !site.joined;
        case 'fresh':
          return at !== null && at >= oldest;
        case 'stale':
          return at === null || at < oldest;
        case 'all':
          return true;
      }
    };
    const exact =
      layout.text !== '' && [...this.roster.sites.values()].some((one) => isNamed(one, layout.text));
    return (site) => stands(site) && (exact ? isNamed : isMeant)(site, layout.text);
  }

  private setPatrol(wanted: WallPatrol | null): void {
    this.patrol?.stop();
    this.patrol = null;
    if (wanted === null || this.roster.sites.size === 0) {
      this.wall.setState({ patrol: null });
      this.light();
      return;
    }
    const { unit, seconds, count, paused } = wanted;
    this.patrol = new Patrol(
      { sites: this.roster.sitesUnder(unit), seconds, count },
      (site) => this.roster.sites.get(site)?.joined === true,
      (patrol) => {
        this.wall.setState({ patrol });
        this.light();
      },
      after,
      paused,
    );
  }

  /** Gives the live lines to pins, patrol and pointer, in this order. */
  private light(): void {
    const { layout, patrol, lines: before, refused: was } = this.wall.getState();
    const known = (site: string) => this.roster.sites.size === 0 || this.roster.sites.has(site);
    const wanted = [...layout.pins.filter(known), ...(patrol?.show ?? []), ...this.hovered];
    const { lines, refused } = this.lines.assign(wanted);
    if (lines.some((site, i) => site !== before[i])) {
      this.wall.setState({ lines });
      this.pins.want(lines);
    }
    if (refused.join() !== was.join()) this.wall.setState({ refused });
    this.say();
  }
}

/** Which copy a tile of a size shows sharply. */
const copyFor = (size: WallLayout['size']): 'small' | 'full' =>
  size === 'l' || devicePixelRatio > 1.5 ? 'full' : 'small';

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** The layout that this browser had last; the one of its person's that is kept is chosen by name. */
function remembered(): WallLayout {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Partial<WallLayout> | null;
    return { ...DEFAULT_LAYOUT, ...stored };
  } catch {
    return DEFAULT_LAYOUT;
  }
}
