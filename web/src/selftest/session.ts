import { createStore, type StoreApi } from 'zustand/vanilla';
import { faultOf } from '../media/devices';
import { Meter } from '../media/meter';
import { browserOf, shownCodecs, systemOf } from '../media/selftest/browser';
import { judgeCamera } from '../media/selftest/camera';
import {
  lookAt,
  openCamera,
  openMicrophone,
  RAW,
  recordVoice,
  sink,
  SPEAK_S,
  stopAll,
} from '../media/selftest/capture';
import { measureNetwork, type NetworkPhase } from '../media/selftest/network';
import { playTone } from '../media/selftest/tone';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { SelfTestResult, TestFigures } from '../protocol/types';

export type Step = 'door' | 'camera' | 'sound' | 'network' | 'done';
type CameraState = TestFigures['camera']['state'];
type MicrophoneState = TestFigures['microphone']['state'];

export interface SelfTestState {
  step: Step;
  camera: {
    phase: 'opening' | 'looking' | 'judged';
    figures: TestFigures['camera'];
    stream: MediaStream | null;
  };
  sound: {
    phase: 'tone' | 'speak' | 'playing' | 'asked' | 'fault';
    left: number;
    microphone: TestFigures['microphone'];
    speaker: TestFigures['speaker'];
  };
  network: {
    phase: NetworkPhase | null;
    back: MediaStream | null;
    figures: TestFigures['network'] | null;
  };
  result: SelfTestResult | null;
  /** Why the result could not be sent. */
  trouble: string | null;
}

/** A voice louder than this (0 to 1) has been heard. */
const VOICE = 0.45;

const fresh = (): Omit<SelfTestState, 'step'> => ({
  camera: { phase: 'opening', figures: { state: 'skipped', width: 0, height: 0, fps: 0 }, stream: null },
  sound: {
    phase: 'tone',
    left: SPEAK_S,
    microphone: { state: 'skipped', level: 0 },
    speaker: { state: 'skipped', by_microphone: false },
  },
  network: { phase: null, back: null, figures: null },
  result: null,
  trouble: null,
});

/** The three steps; the page only shows where it is. What is running ends when another step begins. */
export class SelfTestSession {
  readonly store: StoreApi<SelfTestState> = createStore<SelfTestState>(() => ({ step: 'door', ...fresh() }));
  readonly meter = new Meter();
  private running = new AbortController();
  private began = 0;
  private heard: string | null = null;
  /** Plays the camera for those who look at its pixels; in no page. */
  private readonly eye = document.createElement('video');
  private player: HTMLAudioElement | null = null;

  constructor(
    private readonly http: Http,
    private readonly media: MediaDevices | undefined,
  ) {
    this.eye.muted = true;
    this.eye.playsInline = true;
  }

  async start(): Promise<void> {
    this.reset();
    this.began = Date.now();
    void this.meter.resume();
    await this.camera();
  }

  async camera(): Promise<void> {
    const [signal, over] = this.enter('camera');
    this.closeCamera();
    this.patch('camera', { phase: 'opening', stream: null });
    if (!this.media) {
      this.cameraFault('insecure');
      return;
    }
    let stream: MediaStream;
    try {
      stream = await openCamera(this.media);
    } catch (error) {
      if (!over()) this.cameraFault(faultOf(error));
      return;
    }
    const [track] = stream.getVideoTracks();
    if (over() || !track) {
      stopAll(stream);
      return;
    }
    this.eye.srcObject = stream;
    void this.eye.play().catch(() => undefined);
    this.patch('camera', { phase: 'looking', stream });
    const glimpses = await lookAt(this.eye, signal);
    if (over()) return;
    const { width = 0, height = 0, frameRate = 0 } = track.getSettings();
    const state: CameraState =
      track.readyState === 'ended' ? 'lost' : glimpses.length < 2 ? 'black' : judgeCamera(glimpses);
    this.patch('camera', {
      phase: 'judged',
      figures: {
        state,
        width: this.eye.videoWidth || width,
        height: this.eye.videoHeight || height,
        fps: Math.round(frameRate),
      },
    });
  }

  async sound(): Promise<void> {
    const [signal, over] = this.enter('sound');
    const { microphone, speaker } = fresh().sound;
    this.patch('sound', { phase: 'tone', left: SPEAK_S, microphone, speaker });
    const raw = await openMicrophone(this.media, RAW);
    if (!over() && raw.fault !== null) this.microphoneFault(raw.fault);
    if (over() || raw.fault !== null) {
      stopAll(raw.stream);
      return;
    }
    const byMicrophone = await playTone(sink(), raw.stream?.getAudioTracks()[0] ?? null);
    // Closed before the next is opened: a phone gives its microphone to one at a time.
    stopAll(raw.stream);
    if (over()) return;
    const { stream, fault } = await openMicrophone(this.media);
    const track = stream?.getAudioTracks()[0];
    if (!over() && (fault !== null || !track)) this.microphoneFault(fault ?? 'none');
    if (over() || !stream || !track) {
      stopAll(stream);
      return;
    }
    await this.meter.resume();
    this.meter.listen(track);
    this.patch('sound', { phase: 'speak', speaker: { state: 'skipped', by_microphone: byMicrophone } });
    const { level, recording } = await recordVoice(
      stream,
      this.meter,
      (left) => {
        if (!over() && left !== this.store.getState().sound.left) this.patch('sound', { left });
      },
      signal,
    );
    const lost = track.readyState === 'ended';
    this.meter.listen(null);
    stopAll(stream);
    if (over()) return;
    if (lost || level < VOICE) {
      this.microphoneFault(lost ? 'lost' : 'silent', level);
      return;
    }
    this.patch('sound', { microphone: { state: 'ok', level } });
    this.keep(recording);
    await this.replay();
  }

  /** Plays what was said, and asks. */
  async replay(): Promise<void> {
    this.player?.pause();
    if (this.heard === null) {
      this.patch('sound', { phase: 'asked' });
      return;
    }
    const player = new Audio(this.heard);
    this.player = player;
    this.patch('sound', { phase: 'playing' });
    player.onended = () => {
      if (this.player === player) this.patch('sound', { phase: 'asked' });
    };
    const to = sink();
    if (to !== null && 'setSinkId' in player) await player.setSinkId(to).catch(() => undefined);
    await player.play().catch(() => this.patch('sound', { phase: 'asked' }));
  }

  /** The person's one tap. */
  answer(heard: boolean): void {
    this.player?.pause();
    const { speaker } = this.store.getState().sound;
    this.patch('sound', { speaker: { ...speaker, state: heard ? 'ok' : 'not_heard' } });
    if (heard) void this.network();
    else this.patch('sound', { phase: 'fault' });
  }

  async network(): Promise<void> {
    const [signal, over] = this.enter('network');
    this.store.setState({ network: fresh().network, result: null, trouble: null });
    const { stream } = await openMicrophone(this.media);
    try {
      const figures = await measureNetwork(
        this.http,
        {
          camera: this.eye.videoWidth > 0 ? this.eye : null,
          audio: stream?.getAudioTracks()[0] ?? null,
        },
        {
          phase: (phase) => this.patch('network', { phase }),
          back: (back) => this.patch('network', { back }),
        },
        signal,
      );
      this.patch('network', { figures });
      if (figures.state === 'ok') await this.report();
    } catch (error) {
      // Another step has begun; everything else is in the figures.
      if (!over()) throw error;
    } finally {
      stopAll(stream);
    }
  }

  /** Goes on from a step that failed, or without it. */
  next(): void {
    const { step } = this.store.getState();
    if (step === 'camera') void this.sound();
    else if (step === 'sound') void this.network();
    else if (step === 'network') {
      this.running.abort();
      void this.report();
    }
  }

  /** Sends what was measured; the server says what it means. */
  async report(): Promise<void> {
    const { camera, sound, network } = this.store.getState();
    this.store.setState({ trouble: null });
    const figures: TestFigures = {
      camera: camera.figures,
      microphone: sound.microphone,
      speaker: sound.speaker,
      network: network.figures ?? { state: 'skipped' },
      codecs: shownCodecs(),
      browser: browserOf(navigator.userAgent),
      os: systemOf(navigator.userAgent),
      seconds: Math.min(86_400, Math.round((Date.now() - this.began) / 1000)),
    };
    try {
      const result = await this.http.reportSelfTest(figures);
      this.store.setState({ result, step: 'done' });
    } catch (error) {
      this.store.setState({ trouble: codeOf(error), step: 'done' });
    }
    this.closeCamera();
  }

  close(): void {
    this.reset();
    this.meter.close();
  }

  private reset(): void {
    this.running.abort();
    this.player?.pause();
    this.closeCamera();
    this.keep(null);
    this.store.setState({ step: 'door', ...fresh() });
  }

  /** Ends what runs; the new step's signal, and the question whether it has been ended in turn. */
  private enter(step: Step): [signal: AbortSignal, over: () => boolean] {
    this.running.abort();
    this.player?.pause();
    this.running = new AbortController();
    const { signal } = this.running;
    this.store.setState({ step });
    return [signal, () => signal.aborted];
  }

  private keep(recording: Blob | null): void {
    if (this.heard !== null) URL.revokeObjectURL(this.heard);
    this.heard = recording === null ? null : URL.createObjectURL(recording);
  }

  private cameraFault(state: CameraState): void {
    this.patch('camera', { phase: 'judged', figures: { state, width: 0, height: 0, fps: 0 } });
  }

  private microphoneFault(state: MicrophoneState, level = 0): void {
    this.patch('sound', { phase: 'fault', microphone: { state, level } });
  }

  private closeCamera(): void {
    stopAll(this.store.getState().camera.stream);
    this.eye.srcObject = null;
  }

  private patch<K extends 'camera' | 'sound' | 'network'>(key: K, part: Partial<SelfTestState[K]>): void {
    this.store.setState((s) => ({ [key]: { ...s[key], ...part } }));
  }
}
