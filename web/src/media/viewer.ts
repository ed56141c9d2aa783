import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { Codec } from '../protocol/types';
import { retryMs } from './backoff';
import { prefer } from './codecs';

export type ViewerPhase = 'idle' | 'connecting' | 'up' | 'down' | 'cannot_show';

export interface ViewerState {
  phase: ViewerPhase;
  viewer: string | null;
  /** One per video line, in the order of the lines; new ones with every connection. */
  video: readonly MediaStream[];
  audio: readonly MediaStream[];
  /** Stable code of the last failure. */
  trouble: string | null;
}

/** A browser calls a link disconnected after some 5 s without an answer; a little longer, and a fresh one is faster. */
const SILENT_MS = 1_500;
const GIVE_UP_CONNECTING_MS = 12_000;

/**
 * A receive-only connection whose lines are fixed by one offer: it is never negotiated again. When it dies, a new one takes
 * its place (`replaces`); until that one is connected the page keeps the last picture of the old.
 */
export class Viewer {
  readonly store: StoreApi<ViewerState>;
  private pc: RTCPeerConnection | null = null;
  private generation = 0;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private meeting: string | null = null;
  private codec: Codec = 'h264';

  constructor(
    private readonly http: Http,
    private readonly audioLines: number,
    private readonly videoLines: number,
  ) {
    this.store = createStore<ViewerState>(() => ({
      phase: 'idle',
      viewer: null,
      video: [],
      audio: [],
      trouble: null,
    }));
  }

  watch(meeting: string, codec: Codec): void {
    if (this.meeting === meeting && this.codec === codec) return;
    this.stop();
    this.meeting = meeting;
    this.codec = codec;
    void this.join();
  }

  /** Starts afresh now, e.g. when the network is back. Does nothing while all is well. */
  retryNow(): void {
    if (this.meeting === null || this.pc?.connectionState === 'connected') return;
    this.attempt = 0;
    void this.join();
  }

  /** The server says that these have ended: told sooner than the silence is noticed. */
  gone(viewers: readonly string[]): void {
    const { viewer } = this.store.getState();
    if (this.meeting === null || viewer === null || !viewers.includes(viewer)) return;
    this.attempt = Math.max(this.attempt, 1); // all of a node's viewers come back over a second, not at once
    this.again('gone', null);
  }

  stop(): void {
    this.meeting = null;
    const { viewer } = this.store.getState();
    this.drop();
    if (viewer !== null) void this.http.closeViewer(viewer).catch(() => undefined);
    this.store.setState({ phase: 'idle', viewer: null, trouble: null, audio: [], video: [] });
  }

  stats(): Promise<RTCStatsReport> | null {
    return this.pc?.getStats() ?? null;
  }

  private async join(): Promise<void> {
    const meeting = this.meeting;
    if (meeting === null) return;
    this.drop();
    const generation = this.generation;
    const stale = () => generation !== this.generation;
    const { viewer: replaces, phase } = this.store.getState();
    this.store.setState({ phase: phase === 'idle' ? 'connecting' : phase === 'up' ? 'down' : phase });
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    for (let i = 0; i < this.audioLines; i++)
      prefer(pc.addTransceiver('audio', { direction: 'recvonly' }), 'audio', 'receive', this.codec);
    for (let i = 0; i < this.videoLines; i++)
      prefer(pc.addTransceiver('video', { direction: 'recvonly' }), 'video', 'receive', this.codec);
    pc.onconnectionstatechange = () => {
      if (!stale()) this.linkChanged(pc);
    };
    try {
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.http.openViewer(meeting, offer.sdp ?? '', replaces);
      if (stale()) {
        void this.http.closeViewer(answer.viewer).catch(() => undefined);
        return;
      }
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.answer });
      if (stale()) return;
      this.store.setState({ viewer: answer.viewer, trouble: null });
      if (!answer.can_show) this.store.setState({ phase: 'cannot_show' });
      this.after(GIVE_UP_CONNECTING_MS, () => {
        if (pc.connectionState !== 'connected') this.again('slow', null);
      });
    } catch (error) {
      if (stale()) return;
      if (codeOf(error) === 'no_common_codec') {
        this.drop();
        this.store.setState({ phase: 'cannot_show', trouble: 'no_common_codec' });
        return;
      }
      this.again(codeOf(error), error instanceof Failure ? error.retryAfter : null);
    }
  }

  private linkChanged(pc: RTCPeerConnection): void {
    switch (pc.connectionState) {
      case 'connected':
        this.clearTimer();
        this.attempt = 0;
        this.store.setState(({ phase }) => ({
          phase: phase === 'cannot_show' ? phase : 'up',
          trouble: null,
          ...this.lines(pc),
        }));
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

  /** The connection's lines, in the order of the offer. */
  private lines(pc: RTCPeerConnection): Pick<ViewerState, 'audio' | 'video'> {
    const tracks = pc.getTransceivers().map((t) => t.receiver.track);
    const of = (kind: string) => tracks.filter((t) => t.kind === kind).map((t) => new MediaStream([t]));
    return { audio: of('audio'), video: of('video') };
  }

  private again(why: string, retryAfter: number | null): void {
    this.drop();
    this.store.setState({ phase: 'down', trouble: why });
    const wait = Math.max(retryMs(this.attempt), (retryAfter ?? 0) * 1000);
    this.attempt += 1;
    this.after(wait, () => void this.join());
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
    if (this.pc) {
      this.pc.onconnectionstatechange = null;
      this.pc.close();
    }
    this.pc = null;
  }
}
