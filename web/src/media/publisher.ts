import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Codec } from '../protocol/types';
import type { Publishers } from '../protocol/viewers';
import { prefer, withPtime } from './codecs';
import type { IceServers } from './ice';
import { MediaLink, newConnection } from './link';
import { keepWithin, LAYERS, VOICE } from './sending';

export interface PublisherState {
  phase: 'idle' | 'connecting' | 'up' | 'down';
  trouble: string | null;
}

/** Asked to stop, a publisher is kept this long: who is asked again at once does not start from nothing. */
const LINGER_MS = 10_000;
/** And its pictures so long: nobody looks at them, and this room was told that nobody does. */
const PICTURES_MS = 1_500;
const AUDIO_MS = 60;

/** A connection with its lines and its offer: of it nothing has left this machine, and it looks for no way yet. */
interface Prepared {
  pc: RTCPeerConnection;
  audio: RTCRtpSender;
  video: RTCRtpSender;
  offer: RTCSessionDescriptionInit;
}

/** What a page sends, only while it is asked to: one send-only connection. */
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
  private quiet = false;
  private prepared: Promise<Prepared> | null = null;

  constructor(
    private readonly door: Publishers,
    private readonly ice: IceServers,
    private readonly layers: RTCRtpEncodingParameters[] = LAYERS,
  ) {
    super();
  }

  /** Makes the next connection's offer ahead: keys, lines and codecs are what takes a slow machine its time. */
  prepare(): void {
    if (this.wanted !== null || this.prepared !== null) return;
    const made = this.make('h264');
    this.prepared = made;
    made.catch(() => {
      if (this.prepared === made) this.prepared = null;
    });
  }

  /** Opens it and keeps it. */
  publish(meeting: string, codec: Codec): void {
    this.stay();
    if (this.wanted?.meeting === meeting && this.wanted.codec === codec) return;
    this.wanted = { meeting, codec };
    this.openNow();
  }

  /** No longer asked: sends nothing after a moment, closes after a while. */
  release(): void {
    if (this.wanted === null || this.linger !== null) return;
    this.linger = setTimeout(() => {
      this.quiet = true;
      this.feed();
      this.linger = setTimeout(() => this.stop(), LINGER_MS - PICTURES_MS);
    }, PICTURES_MS);
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
    this.feed();
  }

  private feed(): void {
    const { audio, video } = this.quiet ? { audio: null, video: null } : this.source;
    void this.senders?.audio.replaceTrack(audio).catch(() => undefined);
    void this.senders?.video.replaceTrack(video).catch(() => undefined);
  }

  protected wants(): boolean {
    return this.wanted !== null;
  }

  protected async open(): Promise<void> {
    const wanted = this.wanted;
    if (wanted === null) return;
    const ready = this.prepared ?? this.make(wanted.codec);
    this.prepared = null;
    this.store.setState(({ phase }) => ({ phase: phase === 'down' ? 'down' : 'connecting' }));
    const [stale, made] = await this.take(ready);
    if (made === null) return;
    const { pc, offer } = made;
    this.senders = made;
    this.setSource(this.source.audio, this.source.video);
    try {
      await this.reach(pc, this.ice);
      if (stale()) return;
      await pc.setLocalDescription(offer);
      const answer = await this.door.openPublisher(wanted.meeting, offer.sdp ?? '');
      if (stale()) {
        void this.door.closePublisher(answer.publisher).catch(() => undefined);
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

  /** The connection as it was made, in the place of what there was; null when something newer came meanwhile. */
  private async take(ready: Promise<Prepared>): Promise<[stale: () => boolean, made: Prepared | null]> {
    const overtaken = this.fresh();
    const made = await ready.catch(() => null);
    if (made === null || overtaken()) {
      made?.pc.close();
      if (made === null && !overtaken()) this.again('unknown', null);
      return [overtaken, null];
    }
    const [, stale] = this.begin(made.pc);
    return [stale, made];
  }

  private async make(codec: Codec): Promise<Prepared> {
    const pc = newConnection();
    const audio = pc.addTransceiver('audio', { direction: 'sendonly', sendEncodings: VOICE });
    const video = pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: this.layers });
    prefer(audio, 'audio', 'send', codec);
    prefer(video, 'video', 'send', codec);
    return { pc, audio: audio.sender, video: video.sender, offer: await pc.createOffer() };
  }

  protected connected(pc: RTCPeerConnection): void {
    if (this.senders !== null) keepWithin(pc, this.senders.video);
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
    if (name !== null) void this.door.closePublisher(name).catch(() => undefined);
  }

  private stay(): void {
    if (this.linger !== null) clearTimeout(this.linger);
    this.linger = null;
    if (!this.quiet) return;
    this.quiet = false;
    this.feed();
  }
}
