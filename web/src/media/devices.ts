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
const KINDS: readonly DeviceKind[] = ['mic', 'camera'];
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
  /** Goes up when a device is let go of: what was still being opened then is not what is wanted now. */
  private readonly turn: Record<DeviceKind, number> = { camera: 0, mic: 0 };

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
    if (!this.media) {
      this.store.setState({ camera: 'insecure', mic: 'insecure' });
      return Promise.resolve();
    }
    this.opening ??= this.openMissing(this.media);
    return this.opening;
  }

  close(): void {
    this.held = false;
    this.release('camera');
    this.release('mic');
  }

  /** The clerk's own switch: off really lets the camera go, so that its light goes out. */
  async setCamera(on: boolean): Promise<void> {
    this.wantCamera = on;
    if (on) await this.open();
    else this.release('camera');
  }

  /** As above for a page that has opened its devices; one that has not yet only remembers it. */
  async keepCamera(on: boolean): Promise<void> {
    if (on && !this.held) this.wantCamera = true;
    else await this.setCamera(on);
  }

  async choose(kind: 'camera' | 'mic' | 'speaker', id: string): Promise<void> {
    const key = kind === 'camera' ? 'cameraId' : kind === 'mic' ? 'micId' : 'speakerId';
    this.storage.setItem(KEYS[key], id);
    this.store.setState({ [key]: id });
    if (kind === 'speaker') return;
    this.release(kind);
    if (kind === 'camera') this.wantCamera = true;
    await this.open();
  }

  private async openMissing(media: MediaDevices): Promise<void> {
    // The turn of each that an answer has come for: what failed is not asked for twice, what was chosen since is.
    const answered: Record<DeviceKind, number> = { camera: -1, mic: -1 };
    const due = () => KINDS.filter((kind) => this.missing(kind) && answered[kind] !== this.turn[kind]);
    let together = true;
    try {
      do {
        for (let kinds = due(); kinds.length > 0; kinds = due()) {
          // One question for both where possible; when it fails, each alone, so that each has its own answer.
          if (!together) kinds = kinds.slice(0, 1);
          const turn = { ...this.turn };
          const opened = await this.tryOpen(media, kinds);
          if (opened || kinds.length === 1) for (const kind of kinds) answered[kind] = turn[kind];
          else together = false;
        }
        await this.list();
      } while (due().length > 0);
    } finally {
      this.opening = null;
    }
  }

  private missing(kind: DeviceKind): boolean {
    const { video, audio } = this.store.getState();
    return this.held && (kind === 'camera' ? this.wantCamera && video === null : audio === null);
  }

  private async tryOpen(
    media: MediaDevices,
    kinds: readonly DeviceKind[],
    remembered = true,
  ): Promise<boolean> {
    const { cameraId, micId } = this.store.getState();
    const pick = (base: MediaTrackConstraints, id: string | null): MediaTrackConstraints =>
      remembered && id !== null ? { ...base, deviceId: { exact: id } } : base;
    const turn = { ...this.turn };
    const wanted = (kind: DeviceKind) => turn[kind] === this.turn[kind];
    try {
      const stream = await media.getUserMedia({
        video: kinds.includes('camera') ? pick(VIDEO, cameraId) : false,
        audio: kinds.includes('mic') ? pick(AUDIO, micId) : false,
      });
      for (const track of stream.getTracks()) {
        const kind = track.kind === 'video' ? 'camera' : 'mic';
        if (wanted(kind)) this.put(kind, track, 'ok');
        // Let go of while the browser was opening it, or asking: its lamp must not stay on.
        else track.stop();
      }
      return true;
    } catch (error) {
      // The chosen one is gone: any other is better than none.
      if (
        remembered &&
        kinds.every(wanted) &&
        error instanceof DOMException &&
        error.name === 'OverconstrainedError'
      )
        return this.tryOpen(media, kinds, false);
      const [kind, both] = kinds;
      if (kind !== undefined && both === undefined && wanted(kind)) this.put(kind, null, faultOf(error));
      return false;
    }
  }

  private release(kind: DeviceKind): void {
    this.turn[kind] += 1;
    this.put(kind, null, 'off');
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
