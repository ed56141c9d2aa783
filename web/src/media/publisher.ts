import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { Codec } from '../protocol/types';
import { prefer, withPtime } from './codecs';
import type { IceServers } from './ice';
import { MediaLink } from './link';

export interface PublisherState {
  phase: 'idle' | 'connecting' | 'up' | 'down';
  trouble: string | null;
}

/** Asked to stop, a publisher is kept this long: who is asked again at once does not start from nothing. */
const LINGER_MS = 10_000;
const AUDIO_MS = 60;

/** Two layers, lowest first: without bandwidth feedback a browser starts with the lowest. */
const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 2, maxBitrate: 220_000, priority: 'low' },
  { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 900_000, priority: 'low' },
];

/** On a line too narrow for both, sound comes first. */
const VOICE: RTCRtpEncodingParameters[] = [{ priority: 'high', networkPriority: 'high' }];

/** What a site sends, only while it is asked to: one send-only connection. */
export class Publisher extends MediaLink {
  readonly store: StoreApi<PublisherState> = createStore<PublisherState>(() => ({
    phase: 'idle',
    trouble: null,
  }));
  private wanted: { meeting: string; codec: Codec } | null = null;
  private source: { audio: MediaStreamTrack | null; video: MediaStreamTrack | null } = {
    audio: null,
    video: null,
  };
  private senders: { audio: RTCRtpSender; video: RTCRtpSender } | null = null;
  private linger: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly http: Http,
    private readonly ice: IceServers,
  ) {
    super();
  }

  /** Opens it and keeps it. */
  publish(meeting: string, codec: Codec): void {
    this.stay();
    if (this.wanted?.meeting === meeting && this.wanted.codec === codec) return;
    this.wanted = { meeting, codec };
    this.openNow();
  }

  /** No longer asked: closes after a while. */
  release(): void {
    if (this.wanted === null || this.linger !== null) return;
    this.linger = setTimeout(() => this.stop(), LINGER_MS);
  }

  stop(): void {
    this.stay();
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

  protected wants(): boolean {
    return this.wanted !== null;
  }

  protected async open(): Promise<void> {
    const wanted = this.wanted;
    if (wanted === null) return;
    const [pc, stale] = this.begin();
    this.store.setState(({ phase }) => ({ phase: phase === 'down' ? 'down' : 'connecting' }));
    const audio = pc.addTransceiver(this.source.audio ?? 'audio', {
      direction: 'sendonly',
      sendEncodings: VOICE,
    });
    const video = pc.addTransceiver(this.source.video ?? 'video', {
      direction: 'sendonly',
      sendEncodings: LAYERS,
    });
    prefer(audio, 'audio', 'send', wanted.codec);
    prefer(video, 'video', 'send', wanted.codec);
    this.senders = { audio: audio.sender, video: video.sender };
    try {
      await this.reach(pc, this.ice);
      if (stale()) return;
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.http.openPublisher(wanted.meeting, offer.sdp ?? '');
      if (stale()) {
        void this.http.closePublisher(answer.publisher).catch(() => undefined);
        return;
      }
      this.name = answer.publisher;
      await pc.setRemoteDescription({ type: 'answer', sdp: withPtime(answer.answer, AUDIO_MS) });
      if (stale()) return;
      // A device may have been chosen while the answer was on its way.
      this.setSource(this.source.audio, this.source.video);
      this.expect(pc);
    } catch (error) {
      if (stale()) return;
      // `wrong_state`: the moment has passed, the server no longer asks for us; its next `you` says so.
      this.again(codeOf(error), error instanceof Failure ? error.retryAfter : null);
    }
  }

  protected connected(): void {
    this.store.setState({ phase: 'up', trouble: null });
  }

  protected down(why: string): void {
    this.store.setState({ phase: 'down', trouble: why });
  }

  /** Ends it at the server too: a viewer is replaced by its successor, a publisher is not. */
  protected override drop(): void {
    const { name } = this;
    super.drop();
    this.senders = null;
    if (name !== null) void this.http.closePublisher(name).catch(() => undefined);
  }

  private stay(): void {
    if (this.linger !== null) clearTimeout(this.linger);
    this.linger = null;
  }
}
