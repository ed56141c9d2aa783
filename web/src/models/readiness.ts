import type { ReadinessCounts, ReadinessState } from '../protocol/types';

export const STATES: readonly ReadinessState[] = ['never', 'activated', 'tested', 'rehearsed', 'ready'];

/** How much of a unit is ready, in the classes that the map shows. */
export type ShareClass = 'none' | 'zero' | 'low' | 'half' | 'most' | 'all';
export const CLASSES: readonly ShareClass[] = ['none', 'zero', 'low', 'half', 'most', 'all'];

export const readyOf = (counts: ReadinessCounts): number => counts.states.ready ?? 0;

export function shareClass(counts: ReadinessCounts): ShareClass {
  return classOf(readyOf(counts), counts.total);
}

/** The class of so many of so many. */
export function classOf(done: number, total: number): ShareClass {
  if (total === 0) return 'none';
  if (done === 0) return 'zero';
  if (done === total) return 'all';
  const share = done / total;
  return share >= 0.9 ? 'most' : share >= 0.5 ? 'half' : 'low';
}

export interface FunnelStep {
  /** `total` comes first: every site. */
  name: ReadinessState | 'total';
  /** Sites that have come so far, those that have gone further included. */
  reached: number;
  /** Sites that stand exactly here. */
  here: number;
}

/** All sites, then how many have come to each step; a rehearsal only where one is demanded or was held. */
export function funnel(counts: ReadinessCounts, rehearsal: boolean): FunnelStep[] {
  const at = (state: ReadinessState) => counts.states[state] ?? 0;
  const steps: FunnelStep[] = [{ name: 'total', reached: counts.total, here: at('never') }];
  STATES.slice(1).forEach((name, i) => {
    if (name === 'rehearsed' && !rehearsal && at('rehearsed') === 0) return;
    const reached = STATES.slice(i + 1).reduce((sum, state) => sum + at(state), 0);
    steps.push({ name, reached, here: at(name) });
  });
  return steps;
}

export interface Place {
  code: string;
  x: number;
  y: number;
}
export type Direction = 'up' | 'down' | 'left' | 'right';

const AXES: Record<Direction, [x: number, y: number]> = {
  up: [0, -1],
  down: [0, 1],
  left: [-1, 0],
  right: [1, 0],
};

/** The nearest place that lies in a direction: what is beside counts double. Null at the edge. */
export function neighbour(places: readonly Place[], from: string, direction: Direction): string | null {
  const start = places.find((p) => p.code === from);
  if (!start) return null;
  const [ax, ay] = AXES[direction];
  let best: { code: string; cost: number } | null = null;
  for (const place of places) {
    const [dx, dy] = [place.x - start.x, place.y - start.y];
    const along = dx * ax + dy * ay;
    const beside = Math.abs(dx * ay) + Math.abs(dy * ax);
    if (place.code === from || along <= 0 || beside > along * 2) continue;
    const cost = along + 2 * beside;
    if (best === null || cost < best.cost) best = { code: place.code, cost };
  }
  return best?.code ?? null;
}
