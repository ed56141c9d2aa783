import { createStore, type StoreApi } from 'zustand/vanilla';
import { Devices } from '../media/devices';
import type { IceServers } from '../media/ice';
import { Meter } from '../media/meter';
import { Sound } from '../media/sound';
import { Viewer } from '../media/viewer';
import { Voice } from '../media/voice';
import { PushToTalk, stepsTo, type PressState } from '../models/talkback';
import type { MeetingModel } from '../models/live';
import { codeOf } from '../protocol/failure';
import type { Wire } from '../protocol/socket';
import type { Talk } from '../protocol/types';
import { earsOf, voicesOf } from '../protocol/viewers';

const AUDIO_LINES = 4;
/** As the server has it. */
const MAX_TALKS = 8;

export interface DeskTalkState {
  /** Whom the key is held or latched for. */
  site: string | null;
  press: PressState;
}

/** The operator's end of all his private words: one microphone, one ear, and who of the sites hears him. */
export class TalkDesk {
  readonly store: StoreApi<DeskTalkState> = createStore<DeskTalkState>(() => ({ site: null, press: 'off' }));
  readonly devices = new Devices(localStorage, navigator.mediaDevices);
  readonly ear: Viewer;
  readonly voice: Voice;
  readonly sound = new Sound();
  readonly meter = new Meter();
  private readonly push = new PushToTalk();
  private readonly wanted = new Map<string, boolean>();
  private readonly busy = new Set<string>();
  private readonly undoing: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    ice: IceServers,
    private readonly meeting: string,
    private readonly model: MeetingModel,
    private readonly refused: (code: string) => void,
  ) {
    this.ear = new Viewer(earsOf(wire), ice, AUDIO_LINES, 0);
    this.voice = new Voice(voicesOf(wire), ice);
  }

  start(): void {
    this.undoing.push(
      this.model.store.subscribe((now, before) => {
        if (now.talks !== before.talks) this.follow();
      }),
      this.devices.store.subscribe((now, before) => {
        if (now.audio !== before.audio) {
          this.voice.setTrack(now.audio);
          this.meter.listen(now.audio);
          this.gate();
        }
      }),
      this.wire.state.subscribe((now, before) => {
        if (now.gone !== before.gone && now.gone !== null) {
          this.ear.gone(now.gone.viewers);
          this.voice.gone(now.gone.publishers);
        }
        if (now.standing !== before.standing && now.standing !== null) {
          this.ear.standing(now.standing.viewers);
          this.voice.standing(now.standing.publishers);
        }
        if (now.link === 'open' && before.link !== 'open') {
          this.ear.retryNow();
          this.voice.retryNow();
          this.busy.clear();
          this.settle();
        }
      }),
    );
    // Who looks elsewhere cannot see that he is heard; what was latched stays, the strip says so when he is back.
    const away = () => this.release();
    addEventListener('blur', away);
    this.undoing.push(() => removeEventListener('blur', away));
  }

  close(): void {
    for (const undo of this.undoing.splice(0)) undo();
    this.voice.stop();
    this.ear.stop();
    this.devices.close();
    this.meter.close();
    this.sound.disarm();
  }

  /** This operator's own, oldest first. */
  get mine(): readonly Talk[] {
    const me = this.wire.state.getState().who?.id;
    return this.model.store.getState().talks.filter((t) => t.by.id === me);
  }

  /** The key goes down: the site hears the operator until it goes up, or until pressed again when pressed twice. `at`: when
   * it really was, ms: a page with much to do hears of it later. */
  press(site: string, at = performance.now()): void {
    const before = this.store.getState().site;
    if (before !== site) {
      if (before !== null) this.say(before, false);
      this.push.reset();
    }
    const press = this.push.down(at);
    this.store.setState({ site, press });
    void this.arm();
    this.say(site, press !== 'off');
  }

  release(at = performance.now()): void {
    const { site, press: before } = this.store.getState();
    if (site === null || before !== 'held') return;
    const press = this.push.up(at);
    this.store.setState({ press });
    this.say(site, press !== 'off');
  }

  /** On or off by a click, for one site beside the key. */
  toggle(talk: Talk): void {
    void this.arm();
    const on = !(this.wanted.get(talk.site) ?? talk.speaks);
    if (!on && this.store.getState().site === talk.site) {
      this.push.reset();
      this.store.setState({ press: 'off' });
    }
    this.say(talk.site, on);
  }

  open(site: string): void {
    void this.arm();
    if (!this.mine.some((t) => t.site === site)) void this.run(site, () => this.opened(site));
  }

  end(site: string): void {
    this.wanted.delete(site);
    if (this.store.getState().site === site) {
      this.push.reset();
      this.store.setState({ site: null, press: 'off' });
    }
    const talk = this.mine.find((t) => t.site === site);
    if (talk) void this.command(() => this.wire.command('talk.end', this.meeting, { talk: talk.id }));
  }

  mute(talk: Talk): void {
    void this.command(() => this.wire.command('talk.mute', this.meeting, { talk: talk.id, on: !talk.muted }));
  }

  together(on: boolean): void {
    void this.command(() => this.wire.command('talk.together', this.meeting, { on }));
  }

  private say(site: string, on: boolean): void {
    this.wanted.set(site, on);
    this.gate();
    this.settle();
  }

  private async opened(site: string): Promise<void> {
    if (this.mine.length >= MAX_TALKS) {
      this.wanted.delete(site);
      this.refused('talks_full');
      return;
    }
    await this.wire.command('talk.open', this.meeting, { site });
  }

  private settle(): void {
    const { mine } = this;
    for (const step of stepsTo(this.wanted, mine, this.busy)) {
      if (step.do === 'open') void this.run(step.site, () => this.opened(step.site));
      else
        void this.run(step.site, async () => {
          await this.wire.command('talk.say', this.meeting, { talk: step.talk, on: step.on });
        });
    }
    // Of what nobody wants and nobody has, nothing is remembered.
    for (const [site, on] of this.wanted)
      if (!on && !this.busy.has(site) && !mine.some((t) => t.site === site && t.speaks))
        this.wanted.delete(site);
  }

  /** One command a site at a time; the latest wish is looked at when the server has told what has become of it. */
  private async run(site: string, act: () => Promise<void>): Promise<void> {
    this.busy.add(site);
    const told = this.model.store.getState().talks;
    const done = await this.command(act);
    if (!done) this.wanted.delete(site);
    // The talks as they are come right behind the answer, if they have not come before.
    if (done && this.model.store.getState().talks === told) await this.news();
    this.busy.delete(site);
    this.gate();
    this.settle();
  }

  private news(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, 2_000);
      const stop = this.model.store.subscribe((now, before) => {
        if (now.talks !== before.talks) done();
      });
    });
  }

  private async command(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.refused(codeOf(error));
      return false;
    }
  }

  /** The talks have changed: microphone and ear are open as long as there is one. */
  private follow(): void {
    const { mine } = this;
    const { site } = this.store.getState();
    if (site !== null && !this.busy.has(site) && !mine.some((t) => t.site === site)) {
      this.push.reset();
      this.wanted.delete(site);
      this.store.setState({ site: null, press: 'off' });
    }
    if (mine.length > 0) {
      void this.openMic();
      this.voice.speak(this.meeting);
      this.ear.watch(this.meeting, 'h264');
    } else if (this.busy.size === 0) {
      this.voice.stop();
      this.ear.stop();
      this.devices.close();
    }
    this.gate();
    this.settle();
  }

  /** Nothing of this room is sent while nobody is spoken to. */
  private gate(): void {
    const { audio } = this.devices.store.getState();
    const speaks = [...this.wanted.values()].some(Boolean) || this.mine.some((t) => t.speaks);
    if (audio) audio.enabled = speaks;
  }

  private async openMic(): Promise<void> {
    await this.devices.setCamera(false);
    await this.devices.open();
  }

  /** Inside a touch or a key: what is said may be heard, what is measured may be shown. */
  private async arm(): Promise<void> {
    void this.meter.resume().then(() => this.meter.listen(this.devices.store.getState().audio));
    await Promise.all([this.sound.arm(), this.openMic()]);
    const { mic } = this.devices.store.getState();
    if (mic !== 'ok' && mic !== 'off') this.refused(`mic_${mic}`);
  }
}
