import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { Codec } from '../protocol/types';
import { retryMs } from './backoff';
import { prefer, withPtime } from './codecs';

export interface PublisherState {
  phase: 'idle' | 'connecting' | 'up' | 'down';
  trouble: string | null;
}

/** Asked to stop, a publisher is kept this long: who is asked again at once does not start from nothing. */
const LINGER_MS = 10_000;
const SILENT_MS = 1_500;
const GIVE_UP_CONNECTING_MS = 12_000;
const AUDIO_MS = 60;

/** Two layers, lowest first: without bandwidth feedback a browser starts with the lowest. */
const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 2, maxBitrate: 220_000 },
  { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 900_000 },
];

/** What a site sends, only while it is asked to: one send-only connection, never negotiated again. */
export class Publisher {
  readonly store: StoreApi<PublisherState> = createStore<PublisherState>(() => ({
    phase: 'idle',
    trouble: null,
  }));
  private pc: RTCPeerConnection | null = null;
  private publisher: string | null = null;
  private wanted: { meeting: string; codec: Codec } | null = null;
  private source: { audio: MediaStreamTrack | null; video: MediaStreamTrack | null } = {
    audio: null,
    video: null,
  };
  private senders: { audio: RTCRtpSender; video: RTCRtpSender } | null = null;
  private generation = 0;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private linger: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly http: Http) {}

  /** Opens it and keeps it. */
  publish(meeting: string, codec: Codec): void {
    if (this.linger !== null) clearTimeout(this.linger);
    this.linger = null;
    if (this.wanted?.meeting === meeting && this.wanted.codec === codec) return;
    this.wanted = { meeting, codec };
    this.attempt = 0;
    void this.open();
  }

  /** No longer asked: closes after a while. */
  release(): void {
    if (this.wanted === null || this.linger !== null) return;
    this.linger = setTimeout(() => this.stop(), LINGER_MS);
  }

  stop(): void {
    if (this.linger !== null) clearTimeout(this.linger);
    this.linger = null;
    this.wanted = null;
    this.drop();
    this.store.setState({ phase: 'idle', trouble: null });
  }

  /** Other devices, or none: replaced on the lines that stand, without a new offer. */
  setSource(audio: MediaStreamTrack | null, video: MediaStreamTrack | null): void {
    this.source = { audio, video };
    void this.senders?.audio.replaceTrack(audio).catch(() => undefined);
    void this.senders?.video.replaceTrack(video).catch(() => undefined);
  }

  /** The server says that these have ended: told sooner than the silence is noticed. */
  gone(publishers: readonly string[]): void {
    if (this.wanted === null || this.publisher === null || !publishers.includes(this.publisher)) return;
    this.publisher = null;
    this.again('gone', null);
  }

  retryNow(): void {
    if (this.wanted === null || this.pc?.connectionState === 'connected') return;
    this.attempt = 0;
    void this.open();
  }

  stats(): Promise<RTCStatsReport> | null {
    return this.pc?.getStats() ?? null;
  }

  private async open(): Promise<void> {
    const wanted = this.wanted;
    if (wanted === null) return;
    this.drop();
    const generation = this.generation;
    const stale = () => generation !== this.generation;
    this.store.setState(({ phase }) => ({ phase: phase === 'down' ? 'down' : 'connecting' }));
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    const audio = pc.addTransceiver(this.source.audio ?? 'audio', { direction: 'sendonly' });
    const video = pc.addTransceiver(this.source.video ?? 'video', {
      direction: 'sendonly',
      sendEncodings: LAYERS,
    });
    prefer(audio, 'audio', 'send', wanted.codec);
    prefer(video, 'video', 'send', wanted.codec);
    this.senders = { audio: audio.sender, video: video.sender };
    pc.onconnectionstatechange = () => {
      if (!stale()) this.linkChanged(pc);
    };
    try {
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.http.openPublisher(wanted.meeting, offer.sdp ?? '');
      if (stale()) {
        void this.http.closePublisher(answer.publisher).catch(() => undefined);
        return;
      }
      this.publisher = answer.publisher;
      await pc.setRemoteDescription({ type: 'answer', sdp: withPtime(answer.answer, AUDIO_MS) });
      if (stale()) return;
      // A device may have been chosen while the answer was on its way.
      this.setSource(this.source.audio, this.source.video);
      this.after(GIVE_UP_CONNECTING_MS, () => {
        if (pc.connectionState !== 'connected') this.again('slow', null);
      });
    } catch (error) {
      if (stale()) return;
      // The moment has passed: the server no longer asks for us, its next `you` says so.
      if (codeOf(error) === 'wrong_state') this.store.setState({ trouble: 'wrong_state' });
      this.again(codeOf(error), error instanceof Failure ? error.retryAfter : null);
    }
  }

  private linkChanged(pc: RTCPeerConnection): void {
    switch (pc.connectionState) {
      case 'connected':
        this.clearTimer();
        this.attempt = 0;
        this.store.setState({ phase: 'up', trouble: null });
        break;
      case 'disconnected':
        this.after(SILENT_MS * (0.7 + Math.random() * 0.6), () => this.again('silent', null));
        break;
      case 'failed':
        this.again('failed', null);
        break;
      default:
    }
  }

  private again(why: string, retryAfter: number | null): void {
    this.drop();
    this.store.setState({ phase: 'down', trouble: why });
    const wait = Math.max(retryMs(this.attempt), (retryAfter ?? 0) * 1000);
    this.attempt += 1;
    this.after(wait, () => void this.open());
  }

  private after(ms: number, run: () => void): void {
    this.clearTimer();
    this.timer = setTimeout(run, ms);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private drop(): void {
    this.generation += 1;
    this.clearTimer();
    if (this.publisher !== null) void this.http.closePublisher(this.publisher).catch(() => undefined);
    this.publisher = null;
    this.senders = null;
    if (this.pc) {
      this.pc.onconnectionstatechange = null;
      this.pc.close();
    }
    this.pc = null;
  }
}
