import { createStore, type StoreApi } from 'zustand/vanilla';
import { IceServers } from '../media/ice';
import { Sound } from '../media/sound';
import { PictureFeed } from '../media/pictureFeed';
import { Viewer } from '../media/viewer';
import { refusalOf, type Refusal } from '../models/above';
import { inLine, LINE, micOf, type InLine } from '../models/floor';
import { MeetingModel } from '../models/live';
import { awaitsCall, isOver } from '../models/calls';
import { inLayout, lookOf, withPreview, withSlides } from '../models/stage';
import { RollCallModel } from '../models/rollcall';
import { pathOf, Roster, siteTitle } from '../models/roster';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import { Wire } from '../protocol/socket';
import {
  PRESENTATION,
  type CaptionPeople,
  type CommandName,
  type Commands,
  type LayoutName,
  type Look,
  type MeetingState,
  type ReceiptsAnswer,
} from '../protocol/types';
import { publishersOf, viewersOf } from '../protocol/viewers';
import { browserWorld, wireUrl } from '../protocol/world';
import { askPictures } from '../screens/api';
import { missingPictures } from '../models/talkback';
import { TalkDesk } from '../talkback/desk';
import { Presenter } from '../slides/presenter';
import { Pins } from './pins';

export type Selection = { kind: 'site'; id: string } | { kind: 'unit'; code: string } | null;

export type FloorTab = 'waiting' | 'list' | 'branches' | 'agenda';

export interface DeskFacets {
  selected: Selection;
  /** Unit whose sites the wall shows; null: the whole meeting. Choosing a site never moves the wall. */
  wall: string | null;
  /** Preview slot that the next site goes to; null: the first empty one. */
  slot: number | null;
  roster: 'loading' | 'ready' | 'failed';
  notice: { code: string; at: number } | null;
  loggedOut: boolean;
  /** What the floor's panel shows. */
  tab: FloorTab;
  /** How long whoever is given the floor next may speak; null: as usual, 0: without a limit. */
  minutes: number | null;
  /** The hand that something is written about just now. */
  writing: { site: string; what: 'forward' | 'lower' } | null;
  /** What is being filled in: the words of the holding picture, or whom a site's caption names. */
  dialog: 'hold' | { caption: string } | null;
  /** The strip of slides is open. */
  slides: boolean;
}

const STAGE_LINES = 4;
const PREVIEW_LINES = 4;
const AUDIO_LINES = 4;
/** What the desk's still pictures may take of its line. */
const STILLS_KBITS = 4000;
/** The roster is drawn at most this often, ms. */
const ROSTER_MS = 250;

/** Everything the command centre's page does; its parts only show it. */
export class DeskSession {
  readonly store: StoreApi<DeskFacets> = createStore<DeskFacets>(() => ({
    selected: null,
    wall: null,
    slot: null,
    roster: 'loading',
    notice: null,
    loggedOut: false,
    tab: 'waiting',
    minutes: null,
    writing: null,
    dialog: null,
    slides: false,
  }));
  readonly roster = new Roster((run) => setTimeout(run, ROSTER_MS));
  readonly roll = new RollCallModel();
  readonly model = new MeetingModel(this.roster, this.roll);
  readonly wire: Wire;
  readonly viewer: Viewer;
  readonly sound = new Sound();
  readonly stills: PictureFeed;
  readonly talk: TalkDesk;
  readonly presenter: Presenter;
  private readonly ice: IceServers;
  private readonly pins: Pins;
  private refused: Refusal | null = null;
  private readonly undoing: (() => void)[] = [];

  constructor(
    private readonly http: Http,
    readonly meeting: string,
    tab: string,
  ) {
    http.page = 'desk';
    this.wire = new Wire(wireUrl(), 'desk', tab, browserWorld(http));
    this.ice = new IceServers(http);
    this.viewer = new Viewer(viewersOf(this.wire, http), this.ice, AUDIO_LINES, STAGE_LINES + PREVIEW_LINES);
    this.stills = new PictureFeed(askPictures, { kbits: STILLS_KBITS, size: 'full' });
    this.pins = new Pins(http, STAGE_LINES);
    this.talk = new TalkDesk(this.wire, this.ice, meeting, this.model, (code) =>
      this.store.setState({ notice: { code, at: Date.now() } }),
    );
    this.presenter = new Presenter(
      (type, args) => this.wire.command(type, meeting, args),
      publishersOf(this.wire, http),
      this.ice,
      http.postSlides,
    );
  }

  start(): void {
    this.undoing.push(
      this.wire.state.subscribe((now, before) => {
        if (now.who !== before.who && now.who) {
          this.http.csrf = now.who.csrf;
          // Asked for only by who is known, and may see them.
          if (now.who.may.includes('site.snapshot')) this.stills.start();
        }
        if (now.ice !== before.ice && now.ice !== null) this.ice.offer(now.ice);
        if (now.link === 'not_authenticated') this.store.setState({ loggedOut: true });
        if (now.gone !== before.gone && now.gone !== null) {
          this.viewer.gone(now.gone.viewers);
          this.presenter.publisher.gone(now.gone.publishers);
        }
        if (now.standing !== before.standing && now.standing !== null) {
          this.viewer.standing(now.standing.viewers);
          this.presenter.publisher.standing(now.standing.publishers);
        }
        if (now.link === 'open' && before.link !== 'open') {
          this.viewer.retryNow();
          this.presenter.publisher.retryNow();
          // A server that was away has forgotten the pins.
          this.pins.use(this.viewer.store.getState().viewer);
          void this.loadRoster();
        }
      }),
      this.model.follow(this.wire, this.meeting, [
        'presence',
        'levels',
        'receipts',
        'rollcall',
        'screens',
        'calls',
        'operators',
        'lineup',
        'talkback',
      ]),
      this.model.store.subscribe((now, before) => {
        if (now.state !== before.state && now.state !== null) this.obey(now.state, before.state);
      }),
      this.viewer.store.subscribe((now, before) => {
        if (now.viewer !== before.viewer) this.pins.use(now.viewer);
      }),
    );
    const online = () => {
      this.wire.nudge();
      this.viewer.retryNow();
    };
    addEventListener('online', online);
    this.undoing.push(() => removeEventListener('online', online));
    this.talk.start();
    this.wire.start();
  }

  close(): void {
    for (const undo of this.undoing.splice(0)) undo();
    this.pins.use(null);
    this.talk.close();
    this.presenter.stop();
    this.viewer.stop();
    this.sound.disarm();
    this.stills.stop();
    this.wire.stop();
  }

  async loadRoster(): Promise<void> {
    try {
      this.roster.load(await this.http.roster(this.meeting));
      this.store.setState({ roster: 'ready' });
    } catch (error) {
      if (this.roster.sites.size === 0) this.store.setState({ roster: 'failed' });
      if (codeOf(error) === 'not_authenticated') this.store.setState({ loggedOut: true });
    }
  }

  receipts = (message: string, signal?: AbortSignal): Promise<ReceiptsAnswer> =>
    this.http.receipts(this.meeting, message, signal);

  select(selected: Selection): void {
    this.store.setState(selected?.kind === 'unit' ? { selected, wall: selected.code } : { selected });
  }

  showWall(wall: string | null): void {
    this.store.setState({ wall });
  }

  chooseSlot(slot: number | null): void {
    this.store.setState({ slot });
  }

  /** Puts a site into the preview: into the chosen slot, else the first empty one. */
  preview(site: string): Promise<boolean> {
    const { slot } = this.store.getState();
    const look = withPreview(lookOf(this.state?.stage, 'preview'), site, slot);
    this.store.setState({ slot: null });
    return this.command('stage.preview', look);
  }

  /** What Enter in the find box does: a centre calls, a meeting previews who is in it. */
  choose(site: string): Promise<boolean> {
    return this.state?.kind === 'centre' ? this.dial(site) : this.preview(site);
  }

  /** Calls a site into this meeting and onto the preview. `after`: the call that nobody took before. */
  dial(site: string, after?: string, draw?: string): Promise<boolean> {
    return this.command('call.start', {
      site,
      ...(after === undefined ? {} : { after }),
      ...(draw === undefined ? {} : { draw }),
    });
  }

  /** Hangs up the newest call that runs, else takes the newest that is over off the list. */
  hangUp(site: string | null): Promise<boolean> {
    const { calls } = this.model.store.getState();
    const own = calls.filter((c) => site === null || c.site === site);
    const call = own.findLast((c) => !isOver(c)) ?? own.at(-1);
    return call ? this.command('call.end', { call: call.id }) : Promise.resolve(false);
  }

  clearPreview(): Promise<boolean> {
    const { layout, slots } = lookOf(this.state?.stage, 'preview');
    return this.command('stage.preview', { layout, slots: slots.map(() => null) });
  }

  layout(layout: LayoutName): Promise<boolean> {
    this.store.setState({ slot: null });
    return this.command('stage.preview', inLayout(this.prepared(), layout, this.state?.chair_site ?? null));
  }

  /** What is presented comes onto the preview. */
  previewSlides(): Promise<boolean> {
    return this.command('stage.preview', withSlides(this.prepared()));
  }

  /** Opens what slides need, or puts them on the preview when something is presented. */
  slides(): Promise<boolean> {
    const running = this.state?.stage.presentation ?? null;
    const own = running !== null && running.by === this.wire.state.getState().who?.id;
    // After a reload this page no longer has what it presented: it is opened anew.
    const lost = own && this.presenter.store.getState().kind === 'none';
    if (running !== null && !lost) return this.previewSlides();
    this.store.setState({ slides: true });
    return Promise.resolve(true);
  }

  ask(dialog: DeskFacets['dialog']): void {
    this.store.setState({ dialog });
  }

  /** Whom the caption names, of the selected site if it is on the stage or preview, else of the first on preview. */
  askCaption(): void {
    const { selected } = this.store.getState();
    const { preview = [], on_air = [] } = this.state?.stage ?? {};
    const staged = [...preview, ...on_air].filter((s) => s !== null && s !== PRESENTATION);
    const own = selected?.kind === 'site' ? selected.id : null;
    const site = own !== null && staged.includes(own) ? own : (staged[0] ?? null);
    if (site !== null) this.ask({ caption: site });
  }

  captionPeople = (site: string): Promise<CaptionPeople> => this.http.captionPeople(this.meeting, site);

  /** What a new look starts from: what is being prepared, or what is on air when nothing is. */
  private prepared(): Look {
    const preview = lookOf(this.state?.stage, 'preview');
    return preview.slots.some((s) => s !== null) ? preview : lookOf(this.state?.stage, 'on_air');
  }

  /** The holding picture comes, or goes. */
  hold(text?: string, until?: Date): Promise<boolean> {
    if (this.state?.stage.hold != null && text === undefined && until === undefined)
      return this.command('stage.hold', { on: false });
    return this.command('stage.hold', {
      on: true,
      ...(text === undefined || text === '' ? {} : { text }),
      ...(until === undefined ? {} : { until: until.toISOString() }),
    });
  }

  toggleCaptions = (): Promise<boolean> =>
    this.command('stage.captions', { on: !(this.state?.stage.captions.on ?? true) });

  togglePinChair = (): Promise<boolean> =>
    this.command('stage.chair', { on: !(this.state?.stage.chair_pinned ?? false) });

  cut(): Promise<boolean> {
    const preview = this.state?.stage.preview ?? [];
    // An empty preview never clears the stage by a key press.
    const held = preview.filter((s) => s !== null);
    if (held.length === 0) return Promise.resolve(false);
    const sites = held.filter((s) => s !== PRESENTATION);
    // A called site that has not come yet: who presses Enter twice must not clear the stage of its picture.
    const calls = this.model.store.getState().calls;
    if (sites.some((s) => calls.some((c) => c.site === s && awaitsCall(c)))) {
      this.store.setState({ notice: { code: 'call_not_live', at: Date.now() } });
      return Promise.resolve(false);
    }
    // Nobody of the preview is there: the stage would carry a name without its picture.
    const slides = held.includes(PRESENTATION) && this.state?.stage.presentation !== null;
    if (!slides && this.roster.sites.size > 0 && !sites.some((s) => this.roster.sites.get(s)?.joined)) {
      this.store.setState({ notice: { code: 'not_in_meeting', at: Date.now() } });
      return Promise.resolve(false);
    }
    // The picture may come while viewers still see the one before: he is warned, and does as he says.
    if (missingPictures(preview, this.model.store.getState().checks).length > 0)
      this.store.setState({ notice: { code: 'picture_missing', at: Date.now() } });
    return this.command('stage.cut', {});
  }

  /** Puts a site into the line of who comes next, or takes it out. */
  lineUp(site: string): Promise<boolean> {
    const line = this.state?.stage.line_up ?? [];
    const on = !line.includes(site);
    if (on && line.length >= LINE) {
      this.store.setState({ notice: { code: 'line_full', at: Date.now() } });
      return Promise.resolve(false);
    }
    return this.command('stage.line_up', { site, on });
  }

  /** Who is lined up, by an operator or as the next of the list. Of who is not in its roster a province is told by the checks. */
  line(): InLine[] {
    const { state, checks } = this.model.store.getState();
    return inLine(state, (site) => this.roster.sites.get(site)?.joined ?? checks[site] !== undefined);
  }

  /** The first of the line goes to the preview; where nobody is lined up, the first who waits for the floor. */
  next(firstHand: string | null): void {
    const site = this.line()[0]?.site ?? firstHand;
    if (site === null) return;
    this.select({ kind: 'site', id: site });
    void this.preview(site);
  }

  /** Takes back the last thing done to the picture: the holding picture, else the last cut. */
  undo(): Promise<boolean> {
    if (this.state?.stage.hold != null) return this.hold();
    const before = lookOf(this.state?.stage, 'before');
    return before.slots.some((s) => s !== null) ? this.command('stage.cut', before) : Promise.resolve(false);
  }

  give(site: string, also = false): Promise<boolean> {
    const { minutes } = this.store.getState();
    const time = minutes === null ? {} : { minutes };
    return this.command('floor.give', { site, replace: !also, stage: !also, ...time });
  }

  showTab(tab: FloorTab): void {
    this.store.setState({ tab });
  }

  chooseMinutes(minutes: number | null): void {
    this.store.setState({ minutes });
  }

  write(site: string | null, what: 'forward' | 'lower' = 'forward'): void {
    this.store.setState({ writing: site === null ? null : { site, what } });
  }

  moveHand(site: string, before: string): void {
    const hand = this.state?.floor.hands.find((h) => h.site === site);
    void this.command('hand.move', { site, before, ...(hand ? { seen: hand.rank } : {}) });
  }

  moveListed(site: string, before: string): void {
    const entry = this.state?.floor.list.find((one) => one.site === site);
    void this.command('list.move', { site, before, ...(entry ? { version: entry.version } : {}) });
  }

  /** The site that is meant beyond doubt by what was typed: its id, its unit's code, its name. */
  siteTyped(name: string): string | null {
    return this.roster.sites.has(name) ? name : (this.roster.search(name).certain?.id ?? null);
  }

  /** What `siteTyped` takes for this site: its name where that is beyond doubt. */
  nameToType(site: string): string {
    const node = this.roster.sites.get(site);
    const path = node === undefined ? '' : pathOf(node);
    const name = node === undefined ? site : [siteTitle(node), path].filter((part) => part !== '').join(', ');
    return this.siteTyped(name) === site ? name : site;
  }

  end(site: string): Promise<boolean> {
    return this.command('floor.end', { site });
  }

  toggleMute(selected: Selection): Promise<boolean> {
    if (selected === null) return Promise.resolve(false);
    if (selected.kind === 'unit') return this.command('mute', { unit: selected.code });
    const muted = micOf(this.state, selected.id) === 'muted';
    return this.command(muted ? 'unmute' : 'mute', { site: selected.id });
  }

  /** Why the server would not let this desk do it; null: it may, or only the server knows. */
  refusal(command: CommandName, whole?: boolean): Refusal | null {
    const { state, observers } = this.model.store.getState();
    return refusalOf(command, this.wire.state.getState().who, state, observers, whole);
  }

  /** Says so at the first key that is refused, not at every one. */
  refuse(code: Refusal | null): void {
    if (code !== null && code !== this.refused) this.store.setState({ notice: { code, at: Date.now() } });
    this.refused = code;
  }

  muteAll = (): Promise<boolean> => this.command('mute', { all: true });

  async command<T extends CommandName>(type: T, args: Commands[T]): Promise<boolean> {
    try {
      await this.wire.command(type, this.meeting, args);
      return true;
    } catch (error) {
      this.store.setState({ notice: { code: codeOf(error), at: Date.now() } });
      return false;
    }
  }

  private get state(): MeetingState | null {
    return this.model.store.getState().state;
  }

  private obey(state: MeetingState, before: MeetingState | null): void {
    if (state.status === 'open') this.viewer.watch(state.id, state.codec);
    else this.viewer.stop();
    this.presenter.obey(state);
    if (state.stage.preview !== before?.stage.preview) {
      this.pins.want(state.stage.preview, state.stage.layouts.preview);
      const { slot } = this.store.getState();
      if (slot !== null && slot >= state.stage.preview.length) this.store.setState({ slot: null });
    }
    if (before !== null && state.invitations !== before.invitations) void this.loadRoster();
  }
}
