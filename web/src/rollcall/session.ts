import { createStore, type StoreApi } from 'zustand/vanilla';
import { MeetingModel } from '../models/live';
import { apart, RollCallModel } from '../models/rollcall';
import { codeOf, Failure } from '../protocol/failure';
import type { Http } from '../protocol/http';
import { Wire } from '../protocol/socket';
import type { CommandName, Commands, RollEdit, RollEntry, RollReason } from '../protocol/types';
import { wireUrl, browserWorld } from '../protocol/world';

export interface Against {
  mine: RollEdit;
  theirs: RollEntry;
}

export interface RollFacets {
  reasons: readonly RollReason[];
  rows: 'loading' | 'ready' | 'failed';
  refused: string | null;
  loggedOut: boolean;
  notice: { code: string; at: number } | null;
  /** Edits that somebody else's stand against: nothing of them was stored. */
  against: readonly Against[];
}

/** Entries of one command; the server takes no more. */
const AT_ONCE = 300;

/** Everything the roll call's page does; its parts only show it. */
export class RollSession {
  readonly store: StoreApi<RollFacets> = createStore<RollFacets>(() => ({
    reasons: [],
    rows: 'loading',
    refused: null,
    loggedOut: false,
    notice: null,
    against: [],
  }));
  readonly roll = new RollCallModel(() => void this.read());
  readonly model = new MeetingModel(null, this.roll);
  readonly wire: Wire;
  private readonly undoing: (() => void)[] = [];
  private reading = false;

  constructor(
    private readonly http: Http,
    readonly meeting: string,
    tab: string,
  ) {
    http.page = 'desk';
    this.wire = new Wire(wireUrl(), 'desk', tab, browserWorld(http));
  }

  start(): void {
    this.undoing.push(
      this.wire.state.subscribe((now, before) => {
        if (now.who !== before.who && now.who) this.http.csrf = now.who.csrf;
        if (now.link === 'not_authenticated') this.store.setState({ loggedOut: true });
      }),
      this.model.follow(this.wire, this.meeting, ['rollcall']),
      this.model.store.subscribe((now) => {
        if (now.refused !== this.store.getState().refused) this.store.setState({ refused: now.refused });
      }),
    );
    const online = () => this.wire.nudge();
    addEventListener('online', online);
    this.undoing.push(() => removeEventListener('online', online));
    this.wire.start();
    void this.readReasons();
  }

  close(): void {
    for (const undo of this.undoing.splice(0)) undo();
    this.wire.stop();
  }

  /** Reads the newest roll call whole; frames that come meanwhile are taken in after it. */
  async read(): Promise<void> {
    const { call } = this.roll.store.getState();
    if (this.reading || call === null || call === 'none') return;
    this.reading = true;
    try {
      this.roll.load(await this.http.rollCall(this.meeting, call.id));
      this.store.setState({ rows: 'ready' });
    } catch (error) {
      if (this.roll.rows.size === 0) this.store.setState({ rows: 'failed' });
      this.failed(error);
    } finally {
      this.reading = false;
    }
  }

  open(corrects?: string): Promise<boolean> {
    return this.command('rollcall.open', corrects === undefined ? {} : { corrects });
  }

  /** Says present of who is connected, inside the unit; null: of the meeting's whole scope. */
  fill(unit: string | null): Promise<boolean> {
    const scope = this.model.store.getState().state?.scope.map((one) => one.unit) ?? [];
    const units = unit === null ? [...new Set(scope)] : [unit];
    return this.inCall(async (call) => {
      for (const one of units) if (!(await this.command('rollcall.fill', { call, unit: one }))) return false;
      return true;
    });
  }

  confirm(unit: string, on: boolean): Promise<boolean> {
    return this.inCall((call) => this.command('rollcall.confirm', { call, unit, on }));
  }

  seal(): Promise<boolean> {
    return this.inCall((call) => this.command('rollcall.seal', { call }));
  }

  /** Sends edits. What stands against some of them is kept for the clerk to choose; the others are stored. */
  async edit(edits: readonly RollEdit[]): Promise<boolean> {
    return this.inCall(async (call) => {
      let all = true;
      for (let start = 0; start < edits.length; start += AT_ONCE) {
        all = (await this.send(call, edits.slice(start, start + AT_ONCE))) && all;
      }
      return all;
    });
  }

  private async send(call: string, edits: readonly RollEdit[]): Promise<boolean> {
    let rest = [...edits];
    while (rest.length > 0) {
      try {
        await this.wire.command('rollcall.edit', this.meeting, { call, entries: rest });
        return rest.length === edits.length;
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'entry_conflict') {
          this.failed(error);
          return false;
        }
        const { again, against } = apart(rest, error.conflicts);
        if (against.length === 0) {
          this.failed(error);
          return false;
        }
        this.store.setState((s) => ({ against: [...s.against, ...against] }));
        rest = again;
      }
    }
    return false;
  }

  /** Ends a conflict: theirs stays, or mine is put on the version that is known now. */
  async settle(take: ReadonlySet<string>): Promise<void> {
    const { against } = this.store.getState();
    this.store.setState({ against: [] });
    const edits = against
      .filter((one) => take.has(one.mine.site))
      .map((one) => ({ ...one.mine, version: one.theirs.version }));
    if (edits.length > 0) await this.edit(edits);
  }

  report(kind: 'xlsx' | 'pdf', unit: string | null): string | null {
    const { call } = this.roll.store.getState();
    return call === null || call === 'none' ? null : this.http.rollReport(this.meeting, call.id, kind, unit);
  }

  private inCall(run: (call: string) => Promise<boolean>): Promise<boolean> {
    const { call } = this.roll.store.getState();
    return call === null || call === 'none' ? Promise.resolve(false) : run(call.id);
  }

  private async command<T extends CommandName>(type: T, args: Commands[T]): Promise<boolean> {
    try {
      await this.wire.command(type, this.meeting, args);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  private async readReasons(): Promise<void> {
    try {
      this.store.setState({ reasons: (await this.http.rollCalls(this.meeting)).reasons });
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const code = codeOf(error);
    if (code === 'not_authenticated') this.store.setState({ loggedOut: true });
    else if (code === 'forbidden') this.store.setState({ refused: code });
    else this.store.setState({ notice: { code, at: Date.now() } });
  }
}
