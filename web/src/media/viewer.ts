import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Codec } from '../protocol/types';
import type { Viewers } from '../protocol/viewers';
import { prefer } from './codecs';
import type { IceServers } from './ice';
import { MediaLink } from './link';

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

/**
 * A receive-only connection whose lines are fixed by one offer. When it dies, a new one takes its place (`replaces`); until
 * that one is connected the page keeps the last picture of the old.
 */
export class Viewer extends MediaLink {
  readonly store: StoreApi<ViewerState>;
  private meeting: string | null = null;
  private codec: Codec = 'h264';

  constructor(
    private readonly door: Viewers,
    private readonly ice: IceServers,
    private readonly audioLines: number,
    private readonly videoLines: number,
  ) {
    super();
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
    this.openNow();
  }

  stop(): void {
    this.meeting = null;
    const { viewer } = this.store.getState();
    this.drop();
    if (viewer !== null) void this.door.closeViewer(viewer).catch(() => undefined);
    this.store.setState({ phase: 'idle', viewer: null, trouble: null, audio: [], video: [] });
  }

  protected wants(): boolean {
    return this.meeting !== null;
  }

  protected async open(): Promise<void> {
    const meeting = this.meeting;
    if (meeting === null) return;
    const [pc, stale] = this.begin();
    const { viewer: replaces, phase } = this.store.getState();
    this.store.setState({ phase: phase === 'idle' ? 'connecting' : phase === 'up' ? 'down' : phase });
    for (let i = 0; i < this.audioLines; i++)
      prefer(pc.addTransceiver('audio', { direction: 'recvonly' }), 'audio', 'receive', this.codec);
    for (let i = 0; i < this.videoLines; i++)
      prefer(pc.addTransceiver('video', { direction: 'recvonly' }), 'video', 'receive', this.codec);
    try {
      await this.reach(pc, this.ice);
      if (stale()) return;
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.door.openViewer(meeting, offer.sdp ?? '', replaces);
      if (stale()) {
        void this.door.closeViewer(answer.viewer).catch(() => undefined);
        return;
      }
      this.name = answer.viewer;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.answer });
      if (stale()) return;
      this.store.setState({ viewer: answer.viewer, trouble: null });
      if (!answer.can_show) this.store.setState({ phase: 'cannot_show' });
      this.expect(pc);
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

  protected connected(pc: RTCPeerConnection): void {
    this.store.setState(({ phase }) => ({
      phase: phase === 'cannot_show' ? phase : 'up',
      trouble: null,
      ...lines(pc),
    }));
  }

  protected down(why: string): void {
    this.store.setState({ phase: 'down', trouble: why });
  }
}

/** The connection's lines, in the order of the offer. */
function lines(pc: RTCPeerConnection): Pick<ViewerState, 'audio' | 'video'> {
  const tracks = pc.getTransceivers().map((t) => t.receiver.track);
  const of = (kind: string) => tracks.filter((t) => t.kind === kind).map((t) => new MediaStream([t]));
  return { audio: of('audio'), video: of('video') };
}
