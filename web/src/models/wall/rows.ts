import type { WallOrder } from './order';

/** One row of the wall: a heading, or tiles `from` (included) to `to` of the wall's sites. */
export type WallRow =
  | { kind: 'head'; key: string; group: number }
  | { kind: 'tiles'; key: string; group: number; from: number; to: number };

export interface WallRows {
  rows: readonly WallRow[];
  columns: number;
  /** Rows that are headings, rising. */
  heads: readonly number[];
}

/** The rows of a wall so many tiles wide. */
export function rowsOf(order: WallOrder, columns: number): WallRows {
  const rows: WallRow[] = [];
  const heads: number[] = [];
  let from = 0;
  order.groups.forEach((group, g) => {
    heads.push(rows.length);
    rows.push({ kind: 'head', key: group.key, group: g });
    const end = from + group.sites.length;
    for (; from < end; from = Math.min(end, from + columns)) {
      const to = Math.min(end, from + columns);
      rows.push({ kind: 'tiles', key: `${group.key}/${order.sites[from] ?? ''}`, group: g, from, to });
    }
  });
  return { rows, columns, heads };
}

/** The row in which a tile is. */
export function rowOf({ rows }: WallRows, place: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const row = rows[middle];
    // A heading begins where the row below it does.
    const start = row?.kind === 'tiles' ? row.from : firstBelow(rows, middle);
    if (start <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

function firstBelow(rows: readonly WallRow[], head: number): number {
  const below = rows[head + 1];
  return below?.kind === 'tiles' ? below.from : Number.POSITIVE_INFINITY;
}

/** The heading above a row: the row itself when it is one. */
export function headAbove({ heads }: WallRows, row: number): number | null {
  let found: number | null = null;
  for (const head of heads) {
    if (head > row) break;
    found = head;
  }
  return found;
}

export type Step =
  'left' | 'right' | 'up' | 'down' | 'first' | 'last' | 'pageUp' | 'pageDown' | 'nextGroup' | 'previousGroup';

/** The tile that a step leads to; columns are kept on the way up and down, over headings. `page`: rows in sight. */
export function stepFrom(wall: WallRows, count: number, place: number, step: Step, page: number): number {
  const last = Math.max(0, count - 1);
  switch (step) {
    case 'left':
      return Math.max(0, place - 1);
    case 'right':
      return Math.min(last, place + 1);
    case 'first':
      return 0;
    case 'last':
      return last;
    case 'up':
      return vertical(wall, place, -1);
    case 'down':
      return vertical(wall, place, 1);
    case 'pageUp':
      return repeat(page, place, (at) => vertical(wall, at, -1));
    case 'pageDown':
      return repeat(page, place, (at) => vertical(wall, at, 1));
    case 'nextGroup':
    case 'previousGroup': {
      const here = wall.rows[rowOf(wall, place)]?.group ?? 0;
      const head = wall.heads[here + (step === 'nextGroup' ? 1 : -1)];
      return head === undefined ? place : firstBelow(wall.rows, head);
    }
  }
}

function vertical(wall: WallRows, place: number, way: 1 | -1): number {
  const at = rowOf(wall, place);
  const row = wall.rows[at];
  if (row?.kind !== 'tiles') return place;
  let next = at + way;
  if (wall.rows[next]?.kind === 'head') next += way;
  const target = wall.rows[next];
  if (target?.kind !== 'tiles') return place;
  return Math.min(target.to - 1, target.from + (place - row.from));
}

function repeat(times: number, start: number, move: (at: number) => number): number {
  let at = start;
  for (let i = 0; i < times; i++) at = move(at);
  return at;
}
