import { createStore, type StoreApi } from 'zustand/vanilla';
import type {
  RollCall,
  RollConfirmed,
  RollEdit,
  RollEntry,
  RollFrame,
  RollRow,
  RollTotal,
  RollView,
} from '../protocol/types';
import { fold } from './fold';

export type RollFilter = 'all' | 'contradiction' | 'unsaid' | 'absent' | 'present' | 'missing';

/** A province: its rows counted by what people say and by what the machine knows. */
export interface Branch {
  unit: string;
  name: string;
  of: number;
  present: number;
  absent: number;
  unsaid: number;
  connected: number;
  contradictions: number;
  confirmed: RollConfirmed | null;
}

export interface RollState {
  /** `none`: no roll call was opened yet; null: the server has not said. */
  call: RollCall | 'none' | null;
  totals: readonly RollTotal[];
  confirmed: Readonly<Record<string, RollConfirmed>>;
  /** Provinces that there are to confirm. */
  branches: number;
  may: RollView['may'] | null;
  watchedSince: string | null;
  /** Rises with every change of the rows. */
  version: number;
}

const collator = new Intl.Collator('vi');

/**
 * The newest roll call of a meeting: figures from frames, rows from the whole view and the frames after it. Frames that
 * do not follow what is known ask for the whole again (`stale`).
 */
export class RollCallModel {
  readonly store: StoreApi<RollState> = createStore<RollState>(() => ({
    call: null,
    totals: [],
    confirmed: {},
    branches: 0,
    may: null,
    watchedSince: null,
    version: 0,
  }));
  readonly rows = new Map<string, RollRow>();
  private n: number | null = null;
  private early: Exclude<RollFrame, { call: null }>[] = [];

  /** `stale`: the rows are to be read whole; null: figures are enough here. */
  constructor(private readonly stale: (() => void) | null = null) {}

  load(view: RollView): void {
    this.rows.clear();
    for (const row of view.rows) this.rows.set(row.site, row);
    this.n = view.n;
    this.store.setState(({ version }) => ({
      ...headOf(view),
      may: view.may,
      watchedSince: view.watched_since,
      version: version + 1,
    }));
    const early = this.early.filter((frame) => frame.n > view.n);
    this.early = [];
    for (const frame of early) this.frame(frame);
  }

  frame(frame: RollFrame): void {
    if (frame.call === null) {
      this.rows.clear();
      this.n = null;
      this.store.setState(({ version }) => ({
        call: 'none',
        totals: [],
        confirmed: {},
        version: version + 1,
      }));
      return;
    }
    const { call } = this.store.getState();
    const known = call !== null && call !== 'none' ? call : null;
    this.store.setState(headOf(frame));
    if (known?.id !== frame.call.id || known.status !== frame.call.status) {
      this.n = null;
      this.early = [];
    }
    if (this.stale === null) return;
    if (this.n === null || frame.since > this.n) {
      this.n = null;
      this.early.push(frame);
      if (this.early.length > 200) this.early.shift();
      this.stale();
      return;
    }
    for (const change of frame.rows) {
      const row = this.rows.get(change.site);
      // An edit of ours may be known here before its frame: an older one does not take it back.
      if (row && change.version >= row.version) this.rows.set(change.site, { ...row, ...change });
    }
    this.n = Math.max(this.n, frame.n);
    if (frame.rows.length > 0) this.store.setState(({ version }) => ({ version: version + 1 }));
  }

  /** The rows of a province (null: all) that fit, in the order of units. */
  list(branch: string | null, filter: RollFilter, query: string): RollRow[] {
    const words = fold(query).split(' ').filter(Boolean);
    const found: RollRow[] = [];
    for (const row of this.rows.values()) {
      if (branch !== null && row.branch !== branch) continue;
      if (!fits(row, filter)) continue;
      if (words.length > 0) {
        const text = fold(`${row.label} ${row.path} ${row.unit}`);
        if (!words.every((word) => text.includes(word))) continue;
      }
      found.push(row);
    }
    return found;
  }

  /** Provinces as rows: what does not fit first, then who has most to say. */
  byBranch(): Branch[] {
    const { confirmed } = this.store.getState();
    const found = new Map<string, Branch>();
    for (const row of this.rows.values()) {
      let branch = found.get(row.branch);
      if (!branch) {
        branch = {
          unit: row.branch,
          name: '',
          of: 0,
          present: 0,
          absent: 0,
          unsaid: 0,
          connected: 0,
          contradictions: 0,
          confirmed: confirmed[row.branch] ?? null,
        };
        found.set(row.branch, branch);
      }
      if (branch.name === '' || row.unit === row.branch) branch.name = nameOf(row);
      branch.of += 1;
      if (row.says === 'present') branch.present += 1;
      else if (row.says === 'absent') branch.absent += 1;
      else branch.unsaid += 1;
      if (row.connected) branch.connected += 1;
      if (row.contradictions.length > 0) branch.contradictions += 1;
    }
    return [...found.values()].sort(
      (a, b) =>
        troubles(b) - troubles(a) ||
        Number(b.unsaid > 0) - Number(a.unsaid > 0) ||
        collator.compare(a.name, b.name),
    );
  }
}

/** How much of a province does not fit; its confirmation counts as one more. */
export const troubles = (branch: Branch): number =>
  branch.contradictions + (branch.confirmed?.contradictions.length ?? 0);

/** The edit that changes an entry to what is wanted, on the version that was seen. */
export function edited(row: RollEntry, wanted: Partial<Omit<RollEdit, 'site' | 'version'>>): RollEdit {
  const { site, version, says, reason, text, head, note } = { ...row, ...wanted };
  return {
    site,
    version,
    says,
    reason: says === 'absent' ? reason : null,
    text: says === 'absent' ? text : '',
    head,
    note,
  };
}

/** What came back of edits: those that somebody else has meanwhile made the same are done; the rest may be sent again. */
export function apart(
  edits: readonly RollEdit[],
  conflicts: readonly RollEntry[],
): { again: RollEdit[]; against: { mine: RollEdit; theirs: RollEntry }[] } {
  const now = new Map(conflicts.map((entry) => [entry.site, entry]));
  const again: RollEdit[] = [];
  const against: { mine: RollEdit; theirs: RollEntry }[] = [];
  for (const mine of edits) {
    const theirs = now.get(mine.site);
    if (!theirs) again.push(mine);
    else against.push({ mine, theirs });
  }
  return { again, against };
}

/** `63/63 · 702/705 · 8.991/9.043`, without the nation's own line. */
export function summary(totals: readonly RollTotal[], write: (n: number) => string): string {
  const shown = totals.filter((total) => total.level !== 'nation');
  return (shown.length > 0 ? shown : totals)
    .map((total) => `${write(total.present)}/${write(total.of)}`)
    .join(' · ');
}

function headOf(from: {
  call: RollCall;
  totals: RollTotal[];
  confirmed: Record<string, RollConfirmed>;
  branches: number;
}) {
  return { call: from.call, totals: from.totals, confirmed: from.confirmed, branches: from.branches };
}

function fits(row: RollRow, filter: RollFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'contradiction':
      return row.contradictions.length > 0;
    case 'unsaid':
      return row.says === null;
    case 'absent':
      return row.says === 'absent';
    case 'present':
      return row.says === 'present';
    case 'missing':
      return row.says !== 'present';
  }
}

/** A branch's own site has its name first; of others the last name of the path is the province's. */
function nameOf(row: RollRow): string {
  const names = row.path.split(', ');
  const name = (row.unit === row.branch ? names[0] : names.at(-1)) ?? '';
  return row.level === 'nation' || name === '' ? row.label : name.charAt(0).toUpperCase() + name.slice(1);
}
