import { createStore, type StoreApi } from 'zustand/vanilla';

/** What this needs of the machine; tests bring their own. */
export interface Clocks {
  /** Ms since the epoch; may be set. */
  wall(): number;
  /** Ms that are never set; on some machines they stand still while it sleeps. */
  steady(): number;
  hidden(): boolean;
  every(ms: number, run: () => void): () => void;
  onVisibility(run: () => void): () => void;
}

export interface Wakefulness {
  hidden: boolean;
  /** The last time that the page was hidden long enough to matter: seconds. */
  hiddenS: number | null;
  /** The last sleep of the machine: seconds. */
  sleptS: number | null;
  /** Rises with each of both; the page says each once. */
  times: number;
}

const TICK_MS = 5_000;
/** A timer this late in sight means that the machine slept: a busy one is late by less. */
const LATE_MS = 20_000;
/** Browsers let timers of hidden pages run once a minute. */
const LATE_HIDDEN_MS = 100_000;
/** A page that was away shorter has missed nothing. */
const HIDDEN_MS = 60_000;

/** Notices that the page was hidden or the machine asleep: neither hears a call to the floor. */
export class Awake {
  readonly store: StoreApi<Wakefulness>;
  private wall: number;
  private steady: number;
  private hiddenAt: number | null;
  private readonly undo: (() => void)[] = [];

  constructor(private readonly clocks: Clocks = browserClocks) {
    this.wall = clocks.wall();
    this.steady = clocks.steady();
    this.hiddenAt = clocks.hidden() ? this.wall : null;
    this.store = createStore<Wakefulness>(() => ({
      hidden: clocks.hidden(),
      hiddenS: null,
      sleptS: null,
      times: 0,
    }));
  }

  start(): void {
    this.wall = this.clocks.wall();
    this.steady = this.clocks.steady();
    this.undo.push(
      this.clocks.every(TICK_MS, () => this.tick()),
      this.clocks.onVisibility(() => this.turned()),
    );
  }

  stop(): void {
    for (const undo of this.undo.splice(0)) undo();
  }

  private tick(): void {
    const wall = this.clocks.wall();
    const steady = this.clocks.steady();
    // Whichever clock went on: a clock that was set back says nothing, one that stood still neither.
    const late = Math.max(wall - this.wall, steady - this.steady) - TICK_MS;
    this.wall = wall;
    this.steady = steady;
    if (late < (this.store.getState().hidden ? LATE_HIDDEN_MS : LATE_MS)) return;
    this.store.setState(({ times }) => ({ sleptS: Math.round(late / 1000), times: times + 1 }));
  }

  private turned(): void {
    this.tick();
    const hidden = this.clocks.hidden();
    if (hidden === this.store.getState().hidden) return;
    const now = this.clocks.wall();
    const away = hidden || this.hiddenAt === null ? 0 : now - this.hiddenAt;
    this.hiddenAt = hidden ? now : null;
    this.store.setState(({ times, hiddenS }) => ({
      hidden,
      hiddenS: away >= HIDDEN_MS ? Math.round(away / 1000) : hiddenS,
      times: away >= HIDDEN_MS ? times + 1 : times,
    }));
  }
}

const browserClocks: Clocks = {
  wall: () => Date.now(),
  steady: () => performance.now(),
  hidden: () => document.visibilityState === 'hidden',
  every: (ms, run) => {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
  onVisibility: (run) => {
    document.addEventListener('visibilitychange', run);
    return () => document.removeEventListener('visibilitychange', run);
  },
};
