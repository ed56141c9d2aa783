import { createStore, type StoreApi } from 'zustand/vanilla';
import { Awake } from '../media/awake';
import { Devices } from '../media/devices';
import { IceServers } from '../media/ice';
import { Meter } from '../media/meter';
import { Publisher } from '../media/publisher';
import { isDegraded, QualityReader, type Quality } from '../media/quality';
import { SnapshotPoster } from '../media/snapshots';
import { Ring } from '../media/ring';
import { Sound } from '../media/sound';
import { Stills } from '../media/stills';
import { Viewer } from '../media/viewer';
import { WakeLock } from '../media/wakelock';
import { MeetingModel } from '../models/live';
import { Acknowledger } from '../models/receipts';
import { quiets, watches } from '../models/rehearsal';
import { meetingToJoin, needsCamera } from '../models/site';
import { codeOf } from '../protocol/failure';
import { TalkSite } from '../talkback/site';
import type { Http } from '../protocol/http';
import { Wire } from '../protocol/socket';
import type { CommandName, Commands, Me, Meeting, RehearsalFault, YouRehearsal } from '../protocol/types';
import { publishersOf, viewersOf } from '../protocol/viewers';
import { browserWorld, wireUrl } from '../protocol/world';
import { Rehearsing } from './rehearsing';

export interface SiteFacets {
  me: Me | null;
  online: boolean;
  cameraOn: boolean;
  /** The camera stays closed while the page only stands by. */
  cameraWaits: boolean;
  /** When the last standing-by picture went out, ms. */
  lastPosted: number | null;
  /** Since when this site is on air, ms. */
  onAirSince: number | null;
  quality: Quality | null;
  degraded: boolean;
  /** Messages that this site has answered, as far as this browser remembers. */
  answered: ReadonlySet<string>;
  /** The last answer that was stored. */
  justAnswered: { message: string; at: number } | null;
  /** When this page put out another machine with the same key, ms of its own clock; null when it never did. */
  conflictAt: number | null;
  /** The rehearsal that this site is or was in, as it was told last. */
  rehearsal: YouRehearsal | null;
  /** Code of the last refused command, for a short notice. */
  notice: { code: string; at: number } | null;
}

const ARMED = 'dc.armed';
const WAITS = 'dc.camera.waits';
const LEFT = 'dc.left';
const ANSWERED = 'dc.answered';
const ANSWERS_KEPT = 200;
const LINES = 4;
const QUALITY_MS = 2_000;
/** Stills of the stage on a line too narrow for video: some 10 kB each, within 40 kbit/s. */
const STILLS_MS = 5_000;

/** Everything a site's page does; the page itself only shows it. */
export class SiteSession {
  readonly store: StoreApi<SiteFacets>;
  readonly wire: Wire;
  readonly meeting = new MeetingModel();
  readonly viewer: Viewer;
  readonly publisher: Publisher;
  readonly devices: Devices;
  readonly sound = new Sound();
  readonly meter = new Meter();
  readonly awake = new Awake();
  readonly stills: Stills;
  readonly rehearsing: Rehearsing;
  readonly ring = new Ring();
  readonly talk: TalkSite;
  private readonly ice: IceServers;
  private readonly poster: SnapshotPoster;
  private readonly wake = new WakeLock();
  private readonly quality = new QualityReader();
  private readonly acknowledger: Acknowledger;
  private readonly undo: (() => void)[] = [];
  private following: { meeting: string; stop: () => void } | null = null;
  private joining: string | null = null;
  private cameraKept: boolean;
  private answeredCall: string | null = null;
  /** Rises when the page stands down: what was begun before does not go on after. */
  private stood = 0;
  private rejoin: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly http: Http,
    tab: string,
  ) {
    http.page = 'site';
    this.wire = new Wire(wireUrl(), 'site', tab, browserWorld(http));
    this.ice = new IceServers(http);
    this.viewer = new Viewer(viewersOf(this.wire, http), this.ice, LINES, LINES);
    this.publisher = new Publisher(publishersOf(this.wire, http), this.ice);
    this.talk = new TalkSite(this.wire, this.ice, this.sound, () => this.devices.store.getState().speakerId);
    this.stills = new Stills(http, undefined, STILLS_MS, STILLS_MS);
    // Without TLS a browser has no `mediaDevices`, whatever its types say.
    this.devices = new Devices(localStorage, navigator.mediaDevices);
    this.rehearsing = new Rehearsing({
      lines: () => {
        const { video, audio } = this.viewer.store.getState();
        return { video: video[0] ?? null, audio, armed: this.sound.store.getState().armed };
      },
      camera: () => this.devices.store.getState().video,
      fault: () => this.rehearsalFault(),
      say: (frame) => this.wire.rehearse(frame),
    });
    this.acknowledger = new Acknowledger({
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      random: () => Math.random(),
      send: (messages) => this.wire.command('message.got', this.following?.meeting ?? null, { messages }),
    });
    this.poster = new SnapshotPoster(
      (picture, small, takenAt) => http.postSnapshot(picture, small, takenAt),
      (at) => this.store.setState({ lastPosted: at }),
      () => this.wire.state.getState().pictureS,
    );
    this.cameraKept = localStorage.getItem(WAITS) !== 'yes';
    void this.devices.keepCamera(this.cameraKept);
    this.store = createStore<SiteFacets>(() => ({
      me: null,
      online: navigator.onLine,
      cameraOn: true,
      cameraWaits: !this.cameraKept,
      lastPosted: null,
      onAirSince: null,
      quality: null,
      degraded: false,
      answered: new Set(remembered()),
      justAnswered: null,
      conflictAt: null,
      rehearsal: null,
      notice: null,
    }));
  }

  start(): void {
    this.undo.push(
      this.wire.state.subscribe((now, before) => {
        if (now.who !== before.who && now.who) {
          this.http.csrf = now.who.csrf;
          this.store.setState({ me: now.who, conflictAt: this.http.device?.conflictAt ?? null });
        }
        if (now.ice !== before.ice && now.ice !== null) this.ice.offer(now.ice);
        if (now.link === 'open' && before.link !== 'open') {
          this.retryMedia();
          if (now.you?.rehearsal) this.rehearsing.renew();
        }
        if (now.link === 'replaced') this.standDown();
        if (now.gone !== before.gone && now.gone !== null) {
          this.viewer.gone(now.gone.viewers, now.gone.turn);
          this.publisher.gone(now.gone.publishers);
          this.talk.ear.gone(now.gone.viewers);
        }
        if (now.turns !== before.turns) this.viewer.turn();
        if (now.standing !== before.standing && now.standing !== null) {
          this.viewer.standing(now.standing.viewers);
          this.publisher.standing(now.standing.publishers);
          this.talk.ear.standing(now.standing.viewers);
        }
        if (now.you !== before.you || now.link !== before.link) this.obey();
      }),
      this.publisher.store.subscribe((now, before) => {
        // A called site's own picture went first: now it may look, too.
        if (now.phase !== before.phase) this.obey();
      }),
      this.awake.store.subscribe((now, before) => {
        if (now.hidden !== before.hidden || now.sleptS !== before.sleptS || now.times !== before.times)
          this.wire.page(now.hidden, now.sleptS === before.sleptS ? null : now.sleptS);
        // Whatever stood before the sleep has gone without a word.
        if (now.sleptS !== before.sleptS) this.wire.nudge();
      }),
      this.meeting.store.subscribe((now, before) => {
        if (now.state === before.state) return;
        this.acknowledge();
        this.ringIfCalled();
      }),
      this.devices.store.subscribe((now, before) => {
        if (now.audio !== before.audio) this.meter.listen(now.audio);
        if (now.speakerId !== before.speakerId) this.useSpeaker(now.speakerId);
        if (now.audio !== before.audio || now.video !== before.video) this.obey();
        if (now.mic !== before.mic || now.camera !== before.camera) this.rehearse();
      }),
      this.sound.store.subscribe(() => this.rehearse()),
      this.viewer.store.subscribe((now, before) => {
        if (now.phase !== before.phase) this.rehearse();
      }),
    );
    this.on('online', () => {
      this.store.setState({ online: true });
      this.wire.nudge();
      this.retryMedia();
    });
    this.on('offline', () => this.store.setState({ online: false }));
    const timer = setInterval(() => void this.readQuality(), QUALITY_MS);
    this.undo.push(() => clearInterval(timer));
    this.useSpeaker(this.devices.store.getState().speakerId);
    this.stills.start();
    this.awake.start();
    this.wire.page(this.awake.store.getState().hidden);
    this.wire.start();
    if (localStorage.getItem(ARMED) === 'yes') {
      void this.armSilently();
      // Where the browser still wants a touch after a reload, any touch will do.
      const touched = () => {
        if (!this.sound.store.getState().armed) void this.arm();
      };
      addEventListener('pointerdown', touched);
      addEventListener('keydown', touched);
      this.undo.push(() => {
        removeEventListener('pointerdown', touched);
        removeEventListener('keydown', touched);
      });
    }
  }

  close(): void {
    for (const undo of this.undo.splice(0)) undo();
    if (this.rejoin !== null) clearTimeout(this.rejoin);
    this.standDown();
    this.stills.stop();
    this.awake.stop();
    this.wire.stop();
    this.meter.close();
    this.ring.close();
  }

  /** The one tap: sound, camera, microphone. */
  async arm(): Promise<void> {
    const { stood } = this;
    const heard = Promise.all([this.sound.arm(), this.talk.sound.arm()]);
    const metered = this.meter.resume();
    const opened = this.devices.open();
    await heard;
    await metered;
    localStorage.setItem(ARMED, 'yes');
    await opened;
    if (stood !== this.stood) return;
    this.meter.listen(this.devices.store.getState().audio);
    this.wake.hold();
    // A page that captures may play: what was refused a moment ago may work now.
    if (!this.sound.store.getState().armed) await this.sound.arm();
  }

  retryNow(): void {
    this.wire.retryNow();
    this.retryMedia();
  }

  async retryDevices(): Promise<void> {
    await this.devices.open();
    this.meter.listen(this.devices.store.getState().audio);
  }

  async setCamera(on: boolean): Promise<void> {
    this.store.setState({ cameraOn: on });
    this.cameraKept = on;
    await this.devices.setCamera(on);
  }

  /** Whether the camera stays closed while the page only stands by, and opens when it is called or in a meeting. */
  setCameraWaits(waits: boolean): void {
    localStorage.setItem(WAITS, waits ? 'yes' : 'no');
    this.store.setState({ cameraWaits: waits });
    this.keepCamera();
  }

  private keepCamera(): void {
    const { cameraOn, cameraWaits } = this.store.getState();
    const { you } = this.wire.state.getState();
    const answered = this.answeredCall !== null && you?.call?.id === this.answeredCall;
    const needed = !cameraWaits || answered || needsCamera(you);
    if ((cameraOn && needed) === this.cameraKept) return;
    this.cameraKept = cameraOn && needed;
    void this.devices.keepCamera(this.cameraKept);
  }

  /** Sends a command of this site's meeting; what is refused is said for a moment. */
  async command<T extends CommandName>(type: T, args: Commands[T]): Promise<boolean> {
    const meeting = this.wire.state.getState().you?.in ?? null;
    return meeting !== null && this.send(type, meeting, args);
  }

  private async send<T extends CommandName>(
    type: T,
    meeting: string | null,
    args: Commands[T],
  ): Promise<boolean> {
    try {
      await this.wire.command(type, meeting, args);
      return true;
    } catch (error) {
      this.store.setState({ notice: { code: codeOf(error), at: Date.now() } });
      return false;
    }
  }

  /** Somebody here has read a message that asks for an answer. */
  async answer(message: string): Promise<void> {
    if (!(await this.command('message.answer', { message }))) return;
    const answered = [...this.store.getState().answered, message].slice(-ANSWERS_KEPT);
    localStorage.setItem(ANSWERED, JSON.stringify(answered));
    this.store.setState({ answered: new Set(answered), justAnswered: { message, at: Date.now() } });
  }

  /** The one button of who is called: whatever is missing, this opens it. */
  async answerCall(call: string): Promise<void> {
    this.ring.sound(false);
    // The answer first: the camera is open, or opens while it is on its way.
    const answered = this.send('call.answer', null, { call });
    this.answeredCall = call;
    this.keepCamera();
    if (!this.sound.store.getState().armed || this.devices.store.getState().camera !== 'ok') await this.arm();
    await answered;
  }

  /** The one big button of who is asked to speak: whatever is missing, this opens it. */
  async speak(): Promise<void> {
    if (!this.sound.store.getState().armed || this.devices.store.getState().mic !== 'ok') await this.arm();
    if (this.wire.state.getState().you?.mic === 'off') await this.command('mic.set', { on: true });
  }

  /** Turns the microphone on because the centre asked for it: whatever is missing, this opens it. */
  async acceptUnmute(): Promise<void> {
    if (!this.sound.store.getState().armed || this.devices.store.getState().mic !== 'ok') await this.arm();
    await this.command('mic.answer', { yes: true });
  }

  /** Answers who speaks with this site in private, or no longer: to all of them at once. */
  async sayPrivately(on: boolean): Promise<void> {
    const { devices, wire } = this;
    if (on && (!this.sound.store.getState().armed || devices.store.getState().mic !== 'ok')) await this.arm();
    const talks = wire.state.getState().you?.talks ?? [];
    await Promise.all(
      talks.filter((t) => t.answers !== on).map((t) => this.command('talk.say', { talk: t.id, on })),
    );
  }

  async tap(clear: boolean): Promise<void> {
    const talks = this.wire.state.getState().you?.talks ?? [];
    await Promise.all(talks.map((t) => this.command('talk.tap', { talk: t.id, clear })));
  }

  async endTalks(): Promise<void> {
    const talks = this.wire.state.getState().you?.talks ?? [];
    await Promise.all(talks.map((t) => this.command('talk.end', { talk: t.id })));
  }

  async join(meeting: string): Promise<void> {
    sessionStorage.removeItem(LEFT);
    await this.joinNow(meeting);
  }

  async leave(): Promise<void> {
    const meeting = this.wire.state.getState().you?.in;
    if (!meeting) return;
    sessionStorage.setItem(LEFT, meeting);
    await this.command('meeting.leave', {});
  }

  /** The page had its tap in an earlier life and the browser remembers the permission: no second tap. */
  private async armSilently(): Promise<void> {
    if (await this.devices.allowed()) await this.arm();
  }

  /** Does what `you` says. */
  private obey(): void {
    const { you, link } = this.wire.state.getState();
    this.rehearse();
    if (link === 'open' && you !== null) this.keepCamera();
    const { audio, video, camera } = this.devices.store.getState();
    // Only pinned, or asked no longer: the audio line stands and carries nothing.
    // Asked for its sound alone, because somebody speaks with it in private: no picture leaves either.
    const unseen = you?.publish?.video === false && you.state === 'in_meeting';
    this.publisher.setSource(you?.publish?.audio === true ? audio : null, unseen ? null : video);
    const talks = you?.talks ?? [];
    // The microphone of this room carries sound only while the meeting hears it, the machine looks whether it works
    // before the cut, or somebody here answers in private.
    if (audio) audio.enabled = you?.mic === 'open' || you?.checked === true || talks.some((t) => t.answers);
    const onAir = you?.state === 'on_air';
    if (onAir !== (this.store.getState().onAirSince !== null))
      this.store.setState({ onAirSince: onAir ? Date.now() : null });
    if (link !== 'open' || you === null) {
      // Pictures run on while control is away; what it last asked for still holds.
      return;
    }
    const target = meetingToJoin(you, sessionStorage.getItem(LEFT));
    if (target !== null) void this.joinNow(target);
    const meeting = you.meetings.find((m) => m.id === you.in) ?? null;
    if (you.publish !== null && meeting !== null) this.publisher.publish(meeting.id, meeting.codec);
    else this.publisher.release();
    this.ringIfCalled();
    // A called site is waited for: its own picture goes first, it looks as soon as that is on its way.
    const pictured = video !== null || (camera === 'off' && this.cameraKept);
    const first = you.call !== null && you.publish !== null && pictured;
    if (!first || this.publisher.store.getState().phase !== 'connecting') this.follow(meeting, target);
    this.acknowledge();
    this.talk.follow(talks, meeting?.id ?? null, meeting?.codec ?? 'h264');
    const waits = this.store.getState().cameraWaits && this.sound.store.getState().armed;
    if (you.publish === null && (video !== null || waits)) this.publisher.prepare();
    // While it sends video too: a site on the stage is shown to weak lines by its stills, a called one is kept so.
    const often = onAir || you.call?.state === 'live';
    // Of a marked meeting no picture is kept, so none is made.
    const kept = meeting === null || meeting.secrecy === 'none';
    this.poster.show(kept && (you.publish === null || unseen || often) ? video : null, often);
  }

  /** A call, or a request to turn the microphone on, rings until it is answered. */
  private ringIfCalled(): void {
    const { you, who } = this.wire.state.getState();
    const speakers = this.meeting.store.getState().state?.floor.speakers ?? [];
    const asked = speakers.find((s) => s.site === who?.id)?.asked ?? null;
    this.ring.sound(you?.call?.state === 'ringing' || (asked !== null && asked.answer === null));
  }

  /** This page's part in the rehearsal that it is in. */
  private rehearse(): void {
    const { you } = this.wire.state.getState();
    const told = you?.rehearsal ?? null;
    if (told !== null) this.store.setState({ rehearsal: told });
    this.sound.setQuiet(quiets(told));
    this.rehearsing.follow(told !== null, watches(told), told?.turn?.now === true);
  }

  private rehearsalFault(): RehearsalFault | null {
    const { mic, camera } = this.devices.store.getState();
    if (this.viewer.store.getState().phase === 'cannot_show') return 'cannot_show';
    if (!this.sound.store.getState().armed) return 'not_armed';
    if (mic !== 'ok' && mic !== 'off') return `mic_${mic}`;
    return camera !== 'ok' && camera !== 'off' ? `camera_${camera}` : null;
  }

  /** Says which messages are here, while this site is in their meeting. */
  private acknowledge(): void {
    const { you, who } = this.wire.state.getState();
    const { state } = this.meeting.store.getState();
    if (state !== null && who !== null && you?.in === state.id)
      this.acknowledger.shown(state.messages, who.id);
  }

  private follow(meeting: Meeting | null, rejoining: string | null): void {
    if (meeting !== null) {
      if (this.following?.meeting !== meeting.id) {
        this.following?.stop();
        this.acknowledger.reset();
        this.following = { meeting: meeting.id, stop: this.meeting.follow(this.wire, meeting.id, []) };
      }
      this.viewer.watch(meeting.id, meeting.codec);
    } else if (rejoining === null || rejoining !== this.following?.meeting) {
      this.following?.stop();
      this.following = null;
      this.acknowledger.reset();
      this.viewer.stop();
    }
  }

  private async joinNow(meeting: string): Promise<void> {
    if (this.joining === meeting) return;
    this.joining = meeting;
    try {
      await this.wire.command('meeting.join', meeting, {});
    } catch {
      if (this.rejoin !== null) clearTimeout(this.rejoin);
      this.rejoin = setTimeout(() => this.obey(), 2_000 + Math.random() * 3_000);
    } finally {
      this.joining = null;
    }
  }

  private useSpeaker(id: string | null): void {
    this.sound.setSink(id);
    this.talk.sound.setSink(id);
  }

  private retryMedia(): void {
    this.talk.ear.retryNow();
    this.viewer.retryNow();
    this.publisher.retryNow();
  }

  /** Another device took over, or the page goes: nothing of this room is open any more. */
  private standDown(): void {
    this.stood += 1;
    this.following?.stop();
    this.following = null;
    this.acknowledger.reset();
    this.viewer.stop();
    this.publisher.stop();
    this.rehearsing.stop();
    this.poster.show(null);
    this.ring.sound(false);
    this.devices.close();
    this.sound.disarm();
    this.talk.stop();
    this.wake.release();
  }

  private async readQuality(): Promise<void> {
    const report = await this.viewer.stats();
    if (!report) return;
    const quality = this.quality.read(report, performance.now());
    if (quality) this.store.setState({ quality, degraded: isDegraded(quality) });
  }

  private on(event: 'online' | 'offline', run: () => void): void {
    addEventListener(event, run);
    this.undo.push(() => removeEventListener(event, run));
  }
}

/** What this browser has answered in earlier lives of the page; whatever else stands there is nothing. */
function remembered(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(ANSWERED) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
