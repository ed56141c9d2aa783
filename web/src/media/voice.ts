import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, Failure } from '../protocol/failure';
import type { Publishers } from '../protocol/viewers';
import { prefer, withPtime } from './codecs';
import type { IceServers } from './ice';
import { MediaLink } from './link';

export interface VoiceState {
  phase: 'idle' | 'connecting' | 'up' | 'down';
  trouble: string | null;
}

const AUDIO_MS = 60;

/** What an operator speaks into beside a meeting: one send-only connection with sound alone. */
export class Voice extends MediaLink {
  readonly store: StoreApi<VoiceState> = createStore<VoiceState>(() => ({ phase: 'idle', trouble: null }));
  private meeting: string | null = null;
  private track: MediaStreamTrack | null = null;
  private sender: RTCRtpSender | null = null;

  constructor(
    private readonly door: Publishers,
    private readonly ice: IceServers,
  ) {
    super();
  }

  speak(meeting: string): void {
    if (this.meeting === meeting) return;
    this.meeting = meeting;
    this.openNow();
  }

  stop(): void {
    this.meeting = null;
    this.drop();
    this.store.setState({ phase: 'idle', trouble: null });
  }

  /** Another microphone, or none: replaced on the line that stands. */
  setTrack(track: MediaStreamTrack | null): void {
    this.track = track;
    void this.sender?.replaceTrack(track).catch(() => undefined);
  }

  protected wants(): boolean {
    return this.meeting !== null;
  }

  protected async open(): Promise<void> {
    const { meeting } = this;
    if (meeting === null) return;
    const [pc, stale] = this.begin();
    this.store.setState({ phase: 'connecting' });
    const line = pc.addTransceiver('audio', { direction: 'sendonly' });
    prefer(line, 'audio', 'send', 'h264');
    this.sender = line.sender;
    this.setTrack(this.track);
    try {
      await this.reach(pc, this.ice);
      if (stale()) return;
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.door.openPublisher(meeting, offer.sdp ?? '');
      if (stale()) return;
      this.name = answer.publisher;
      await pc.setRemoteDescription({ type: 'answer', sdp: withPtime(answer.answer, AUDIO_MS) });
      if (stale()) return;
      this.expect(pc);
    } catch (error) {
      if (!stale()) this.again(codeOf(error), error instanceof Failure ? error.retryAfter : null);
    }
  }

  protected connected(): void {
    this.store.setState({ phase: 'up', trouble: null });
  }

  protected down(why: string): void {
    this.store.setState({ phase: 'down', trouble: why });
  }

  protected override drop(): void {
    super.drop();
    this.sender = null;
  }
}
