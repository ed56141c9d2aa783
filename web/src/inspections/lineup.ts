import { createStore, type StoreApi } from 'zustand/vanilla';

/** A site that is to be called; `draw`: the draw that chose it. */
export interface Planned {
  site: string;
  draw?: string;
}

const MOST = 100;

/** The order in which a centre's sites are called: this browser's, kept over a reload. */
export class LineupModel {
  readonly store: StoreApi<{ planned: readonly Planned[] }>;

  constructor(
    private readonly storage: Storage,
    private readonly key: string,
  ) {
    this.store = createStore(() => ({ planned: read(storage, key) }));
  }

  /** At the end; who is planned already stays where he is. */
  add(sites: readonly Planned[]): void {
    const { planned } = this.store.getState();
    const fresh = sites.filter((one) => !planned.some((p) => p.site === one.site));
    this.set([...planned, ...fresh].slice(0, MOST));
  }

  remove(site: string): void {
    this.set(this.store.getState().planned.filter((p) => p.site !== site));
  }

  /** Takes the first off; answers it and the one that comes then. */
  take(): readonly [Planned | undefined, Planned | undefined] {
    const [first, ...rest] = this.store.getState().planned;
    this.set(rest);
    return [first, rest[0]];
  }

  private set(planned: readonly Planned[]): void {
    this.store.setState({ planned });
    this.storage.setItem(this.key, JSON.stringify(planned));
  }
}

const known = new Map<string, LineupModel>();

export function lineupOf(meeting: string): LineupModel {
  const found = known.get(meeting) ?? new LineupModel(localStorage, `dc.lineup.${meeting}`);
  known.set(meeting, found);
  return found;
}

/** What an earlier life of the page kept; whatever else stands there is nothing. */
function read(storage: Storage, key: string): Planned[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(key) ?? '[]');
    return Array.isArray(kept)
      ? kept.filter((one): one is Planned => typeof (one as Planned | null)?.site === 'string').slice(0, MOST)
      : [];
  } catch {
    return [];
  }
}
