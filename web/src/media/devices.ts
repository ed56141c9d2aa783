import { createStore, type StoreApi } from 'zustand/vanilla';
import type { DeviceFault } from '../models/site';

export type DeviceKind = 'camera' | 'mic';

export interface Choice {
  id: string;
  label: string;
}

export interface DeviceState {
  camera: DeviceFault | 'off' | 'ok';
  mic: DeviceFault | 'off' | 'ok';
  cameras: readonly Choice[];
  mics: readonly Choice[];
  speakers: readonly Choice[];
  cameraId: string | null;
  micId: string | null;
  speakerId: string | null;
  /** Camera and microphone as they are open now. */
  video: MediaStreamTrack | null;
  audio: MediaStreamTrack | null;
}

const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 25, max: 30 },
};
const AUDIO: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};
const KEYS = { cameraId: 'dc.camera', micId: 'dc.mic', speakerId: 'dc.speaker' } as const;

/** The fault behind an error of getUserMedia (Media Capture and Streams §10.2). */
export function faultOf(error: unknown): DeviceFault {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'refused';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'SecurityError':
      return 'insecure';
    default:
      return 'busy';
  }
}

/** Camera and microphone: opened once and held (that is what standing by means), chosen, remembered, mended. */
export class Devices {
  readonly store: StoreApi<DeviceState>;
  private readonly media: MediaDevices | undefined;
  private opening: Promise<void> | null = null;
  private wantCamera = true;
  private held = false;

  constructor(
    private readonly storage: Storage,
    media: MediaDevices | undefined,
  ) {
    // In a page without TLS the browser has no `mediaDevices` at all.
    this.media = media;
    this.store = createStore<DeviceState>(() => ({
      camera: 'off',
      mic: 'off',
      cameras: [],
      mics: [],
      speakers: [],
      cameraId: storage.getItem(KEYS.cameraId),
      micId: storage.getItem(KEYS.micId),
      speakerId: storage.getItem(KEYS.speakerId),
      video: null,
      audio: null,
    }));
    this.media?.addEventListener('devicechange', () => void this.plugged());
  }

  /** True when both may be opened without asking anyone. */
  async allowed(): Promise<boolean> {
    const devices = (await this.media?.enumerateDevices().catch(() => [])) ?? [];
    return devices.some((d) => d.kind === 'audioinput' && d.label !== '');
  }

  /** Opens what is not open. Never raises: what failed is in the state. */
  open(): Promise<void> {
    this.held = true;
    this.opening ??= this.openBoth().finally(() => (this.opening = null));
    return this.opening;
  }

  close(): void {
    this.held = false;
    this.put('camera', null, 'off');
    this.put('mic', null, 'off');
  }

  /** The clerk's own switch: off really lets the camera go, so that its light goes out. */
  async setCamera(on: boolean): Promise<void> {
    this.wantCamera = on;
    if (on) await this.open();
    else this.put('camera', null, 'off');
  }

  async choose(kind: 'camera' | 'mic' | 'speaker', id: string): Promise<void> {
    const key = kind === 'camera' ? 'cameraId' : kind === 'mic' ? 'micId' : 'speakerId';
    this.storage.setItem(KEYS[key], id);
    this.store.setState({ [key]: id });
    if (kind === 'speaker') return;
    this.put(kind, null, 'off');
    if (kind === 'camera') this.wantCamera = true;
    await this.open();
  }

  private async openBoth(): Promise<void> {
    if (!this.media) {
      this.store.setState({ camera: 'insecure', mic: 'insecure' });
      return;
    }
    const { video, audio } = this.store.getState();
    const needVideo = this.wantCamera && video === null;
    const needAudio = audio === null;
    // One question for both where possible; when it fails, each alone, so that each has its own answer.
    if (needVideo && needAudio && (await this.tryOpen(['camera', 'mic']))) return this.list();
    if (needAudio) await this.tryOpen(['mic']);
    if (needVideo) await this.tryOpen(['camera']);
    return this.list();
  }

  private async tryOpen(kinds: DeviceKind[], remembered = true): Promise<boolean> {
    const { cameraId, micId } = this.store.getState();
    const pick = (base: MediaTrackConstraints, id: string | null): MediaTrackConstraints =>
      remembered && id !== null ? { ...base, deviceId: { exact: id } } : base;
    try {
      const stream = await this.media?.getUserMedia({
        video: kinds.includes('camera') ? pick(VIDEO, cameraId) : false,
        audio: kinds.includes('mic') ? pick(AUDIO, micId) : false,
      });
      for (const track of stream?.getTracks() ?? [])
        this.put(track.kind === 'video' ? 'camera' : 'mic', track, 'ok');
      return true;
    } catch (error) {
      // The chosen one is gone: any other is better than none.
      if (remembered && error instanceof DOMException && error.name === 'OverconstrainedError')
        return this.tryOpen(kinds, false);
      const [kind, both] = kinds;
      if (kind !== undefined && both === undefined) this.put(kind, null, faultOf(error));
      return false;
    }
  }

  private put(kind: DeviceKind, track: MediaStreamTrack | null, state: DeviceFault | 'off' | 'ok'): void {
    const { video, audio } = this.store.getState();
    const old = kind === 'camera' ? video : audio;
    if (old && old !== track) {
      old.onended = null;
      old.stop();
    }
    if (track) {
      if (kind === 'camera') track.contentHint = 'motion';
      track.onended = () => this.put(kind, null, 'lost');
    }
    this.store.setState(kind === 'camera' ? { video: track, camera: state } : { audio: track, mic: state });
  }

  /** Something was plugged in or out: what was missing may be there now. */
  private async plugged(): Promise<void> {
    await this.list();
    const { camera, mic } = this.store.getState();
    const mend = (s: DeviceState['camera']) => s === 'none' || s === 'lost';
    if (this.held && (mend(mic) || (this.wantCamera && mend(camera)))) await this.open();
  }

  private async list(): Promise<void> {
    const all = (await this.media?.enumerateDevices().catch(() => [])) ?? [];
    const of = (kind: MediaDeviceKind): Choice[] =>
      all
        .filter((d) => d.kind === kind && d.deviceId !== '')
        .map((d) => ({ id: d.deviceId, label: d.label }));
    this.store.setState({ cameras: of('videoinput'), mics: of('audioinput'), speakers: of('audiooutput') });
  }
}
