/** The next `count` sites that may be shown, from place `from` on, around the end; and where to go on after them. */
export function patrolFrom(
  sites: readonly string[],
  may: (site: string) => boolean,
  from: number,
  count: number,
): { show: string[]; next: number } {
  const show: string[] = [];
  let at = sites.length === 0 ? 0 : ((from % sites.length) + sites.length) % sites.length;
  for (let seen = 0; seen < sites.length && show.length < count; seen++) {
    const site = sites[at];
    if (site !== undefined && may(site)) show.push(site);
    at = (at + 1) % sites.length;
  }
  return { show, next: at };
}

/** The place from which `patrolFrom` shows the `count` sites that come before place `from`. */
export function patrolBefore(
  sites: readonly string[],
  may: (site: string) => boolean,
  from: number,
  count: number,
): number {
  if (sites.length === 0) return 0;
  let at = ((from % sites.length) + sites.length) % sites.length;
  let found = 0;
  for (let seen = 0; seen < sites.length && found < count; seen++) {
    at = (at - 1 + sites.length) % sites.length;
    const site = sites[at];
    if (site !== undefined && may(site)) found += 1;
  }
  return at;
}

export interface PatrolPlan {
  sites: readonly string[];
  seconds: number;
  count: number;
}

export interface PatrolView {
  /** Sites that are live because of the patrol. */
  show: readonly string[];
  /** Which set this is, from 1, of how many. */
  at: number;
  of: number;
  paused: boolean;
}

/** Walks over a subtree: every so many seconds the next set. Presence is asked at each step, order never changes. */
export class Patrol {
  private from = 0;
  private next = 0;
  private cancel: (() => void) | null = null;
  private view: PatrolView;

  constructor(
    private readonly plan: PatrolPlan,
    private readonly may: (site: string) => boolean,
    private readonly changed: (view: PatrolView) => void,
    private readonly after: (ms: number, run: () => void) => () => void,
    paused = false,
  ) {
    this.view = { show: [], at: 1, of: 1, paused };
    this.show(0);
  }

  get state(): PatrolView {
    return this.view;
  }

  forward(): void {
    this.show(this.next);
  }

  back(): void {
    this.show(patrolBefore(this.plan.sites, this.may, this.from, this.plan.count));
  }

  pause(paused: boolean): void {
    this.view = { ...this.view, paused };
    this.changed(this.view);
    this.wait();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private show(from: number): void {
    const { sites, count } = this.plan;
    const { show, next } = patrolFrom(sites, this.may, from, count);
    this.from = from;
    this.next = next;
    const first = show[0] === undefined ? 0 : sites.indexOf(show[0]);
    const allowed = sites.filter((site) => this.may(site));
    const before = sites.slice(0, first).filter((site) => this.may(site)).length;
    this.view = {
      show,
      at: Math.floor(before / count) + 1,
      of: Math.max(1, Math.ceil(allowed.length / count)),
      paused: this.view.paused,
    };
    this.changed(this.view);
    this.wait();
  }

  private wait(): void {
    this.stop();
    if (!this.view.paused) this.cancel = this.after(this.plan.seconds * 1000, () => this.forward());
  }
}
