import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Caller } from '../desk/call';
import { IceServers } from '../media/ice';
import { Sound } from '../media/sound';
import { Viewer } from '../media/viewer';
import { WakeLock } from '../media/wakelock';
import { MeetingModel } from '../models/live';
import { Roster } from '../models/roster';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import { newId } from '../protocol/ids';
import { Wire } from '../protocol/socket';
import type {
  CommandName,
  Commands,
  MeetingState,
  ScreenKind,
  ScreenOrder,
  ScreenStatus,
  Show,
} from '../protocol/types';
import { viewersOf } from '../protocol/viewers';
import { browserWorld, wireUrl } from '../protocol/world';

export const STAGE_LINES = 4;
const AUDIO_LINES = 4;
const ROSTER_MS = 500;

export interface ScreenFacets {
  show: Show;
  fullScreen: boolean;
  loggedOut: boolean;
  /** The window has been taken up by the server at least once: from then on it never shows an error on air. */
  begun: boolean;
  notice: { code: string; at: number } | null;
}

export interface ScreenOptions {
  kind: ScreenKind;
  videoLines: number;
  /** Ephemera of the meeting that it follows. */
  topics: string[];
  /** Whether it needs to know everyone invited. */
  roster: boolean;
  label: string;
}

/** This window's name among all windows: the browser keeps it over a reload and gives none of two the same. */
export function windowName(): string {
  if (!window.name.startsWith('dc-')) window.name = `dc-${newId()}`;
  return window.name;
}

/** A window on another monitor: it follows the meeting by itself and shows what it is told through the server. */
export class ScreenSession implements Caller {
  readonly facets: StoreApi<ScreenFacets> = createStore<ScreenFacets>(() => ({
    show: { captions: false, sound: false, layout: null },
    fullScreen: document.fullscreenElement !== null,
    loggedOut: false,
    begun: false,
    notice: null,
  }));
  readonly roster: Roster;
  readonly model: MeetingModel;
  readonly wire: Wire;
  readonly viewer: Viewer;
  readonly sound = new Sound();
  readonly name = windowName();
  protected readonly undoing: (() => void)[] = [];
  private readonly ice: IceServers;
  private readonly awake = new WakeLock();
  private said = '';

  constructor(
    protected readonly http: Http,
    readonly meeting: string,
    tab: string,
    protected readonly options: ScreenOptions,
  ) {
    http.page = 'desk';
    this.wire = new Wire(wireUrl(), 'desk', tab, browserWorld(http));
    this.ice = new IceServers(http);
    this.viewer = new Viewer(viewersOf(this.wire, http), this.ice, AUDIO_LINES, options.videoLines);
    this.roster = new Roster((run) => setTimeout(run, ROSTER_MS));
    this.model = new MeetingModel(options.roster ? this.roster : null);
  }

  get may(): readonly string[] {
    return this.wire.state.getState().who?.may ?? [];
  }

  get state(): MeetingState | null {
    return this.model.store.getState().state;
  }

  start(): void {
    this.undoing.push(
      this.wire.state.subscribe((now, before) => {
        if (now.who !== before.who && now.who) this.http.csrf = now.who.csrf;
        if (now.ice !== before.ice && now.ice !== null) this.ice.offer(now.ice);
        if (now.link === 'not_authenticated') this.facets.setState({ loggedOut: true });
        if (now.gone !== before.gone && now.gone !== null) this.viewer.gone(now.gone.viewers);
        if (now.standing !== before.standing && now.standing !== null)
          this.viewer.standing(now.standing.viewers);
        if (now.link === 'open' && before.link !== 'open') {
          this.viewer.retryNow();
          this.opened();
        }
        if (now.screen !== before.screen && now.screen !== null) this.told(now.screen.show, now.screen.order);
      }),
      this.model.follow(this.wire, this.meeting, this.options.topics),
      this.model.store.subscribe((now, before) => {
        if (now.state === before.state || now.state === null) return;
        if (now.state.status === 'open') this.viewer.watch(now.state.id, now.state.codec);
        else this.viewer.stop();
        if (before.state !== null && now.state.invitations !== before.state.invitations)
          void this.loadRoster();
      }),
      this.sound.store.subscribe(() => this.say()),
      ...this.hear(),
    );
    this.awake.hold();
    this.say();
    this.wire.start();
  }

  close(): void {
    for (const undo of this.undoing.splice(0)) undo();
    this.awake.release();
    this.sound.disarm();
    this.viewer.stop();
    this.wire.stop();
  }

  /** The operator touched this window: a browser lets it be heard, and fill its monitor, only now. */
  touched(fullScreen: boolean): void {
    if (this.facets.getState().show.sound && !this.sound.store.getState().armed) void this.sound.arm();
    if (fullScreen && document.fullscreenElement === null)
      void document.documentElement.requestFullscreen({ navigationUI: 'hide' }).catch(() => undefined);
  }

  async command<T extends CommandName>(type: T, args: Commands[T]): Promise<boolean> {
    try {
      await this.wire.command(type, this.meeting, args);
      return true;
    } catch (error) {
      this.facets.setState({ notice: { code: codeOf(error), at: Date.now() } });
      return false;
    }
  }

  async loadRoster(): Promise<void> {
    if (!this.options.roster) return;
    try {
      this.roster.load(await this.http.roster(this.meeting));
    } catch (error) {
      if (codeOf(error) === 'not_authenticated') this.facets.setState({ loggedOut: true });
    }
  }

  /** A connection stands (again). */
  protected opened(): void {
    void this.loadRoster();
  }

  protected status(): ScreenStatus {
    const { armed, blocked } = this.sound.store.getState();
    return {
      full_screen: this.facets.getState().fullScreen,
      sound: armed ? 'on' : blocked ? 'blocked' : 'off',
      live: 0,
      patrol: null,
    };
  }

  /** What the window shows and does by the word of the desk. */
  protected told(show: Show, order: ScreenOrder | null): void {
    const before = this.facets.getState().show;
    this.facets.setState({ show, begun: true });
    if (show.sound !== before.sound) {
      if (show.sound) void this.sound.arm();
      else this.sound.disarm();
    }
    this.say();
    if (order === 'close') window.close();
  }

  /** Tells the server how this window is, when that has changed. */
  protected say(): void {
    const frame = {
      screen: this.name,
      meeting: this.meeting,
      kind: this.options.kind,
      label: this.options.label,
      status: this.status(),
      show: this.facets.getState().show,
    };
    const text = JSON.stringify(frame);
    if (text === this.said) return;
    this.said = text;
    this.wire.screen(frame);
  }

  private hear(): (() => void)[] {
    const filled = () => {
      this.facets.setState({ fullScreen: document.fullscreenElement !== null });
      this.say();
    };
    const online = () => {
      this.wire.nudge();
      this.viewer.retryNow();
    };
    document.addEventListener('fullscreenchange', filled);
    addEventListener('online', online);
    return [
      () => document.removeEventListener('fullscreenchange', filled),
      () => removeEventListener('online', online),
    ];
  }
}
