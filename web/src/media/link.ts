import { retryMs } from './backoff';
import type { IceServers } from './ice';

/** A browser calls a link disconnected after some 5 s without an answer; a little longer, and a fresh one is faster. */
const SILENT_MS = 1_500;
const GIVE_UP_CONNECTING_MS = 12_000;
/** Who was told to wait for a turn comes by itself after so long. */
const TURN_PATIENCE_S = 120;

export const newConnection = (): RTCPeerConnection => new RTCPeerConnection({ bundlePolicy: 'max-bundle' });

/**
 * One media connection that is kept up: opened by one offer, never negotiated again, replaced by a new one when it dies.
 * What it carries is the business of who extends it.
 */
export abstract class MediaLink {
  protected pc: RTCPeerConnection | null = null;
  /** The server's name of the connection that `pc` is; null until it has answered. */
  protected name: string | null = null;
  private generation = 0;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  /** Whether there should be a connection now. */
  protected abstract wants(): boolean;
  /** Offers a connection and takes the answer; begins with `begin()`. */
  protected abstract open(): Promise<void>;
  protected abstract connected(pc: RTCPeerConnection): void;
  /** It has died, or could not be opened; `why` is a stable code. */
  protected abstract down(why: string): void;

  /** Starts afresh now, e.g. when the network is back. Does nothing while all is well. */
  retryNow(): void {
    if (!this.wants() || this.pc?.connectionState === 'connected') return;
    this.openNow();
  }

  /** The server says that these have ended: told sooner than the silence is noticed. Without `turn` it will say when. */
  gone(names: readonly string[], turn = true): void {
    if (this.name !== null && names.includes(this.name)) this.lost(turn ? null : TURN_PATIENCE_S);
  }

  /** It is our turn to come in, if we wait for it. */
  turn(): void {
    if (this.name === null) this.retryNow();
  }

  /** The server says which there are: what we hold beside them has ended unseen. */
  standing(names: readonly string[]): void {
    if (this.name !== null && !names.includes(this.name)) this.lost();
  }

  stats(): Promise<RTCStatsReport> | null {
    return this.pc?.getStats() ?? null;
  }

  protected openNow(): void {
    this.attempt = 0;
    void this.open();
  }

  /** A new connection (or one made before) in place of what there was, and a question: whether it has been overtaken. */
  protected begin(made?: RTCPeerConnection): [pc: RTCPeerConnection, stale: () => boolean] {
    const stale = this.fresh();
    const pc = made ?? newConnection();
    pc.onconnectionstatechange = () => {
      if (!stale()) this.changed(pc);
    };
    this.pc = pc;
    return [pc, stale];
  }

  /** Whatever there was is dropped; the answer says whether something newer has begun since. */
  protected fresh(): () => boolean {
    this.drop();
    const { generation } = this;
    return () => generation !== this.generation;
  }

  /** Lets the connection use the relays there are; before its offer, for with that it begins to look for ways. */
  protected async reach(pc: RTCPeerConnection, ice: IceServers): Promise<void> {
    const iceServers = await ice.get();
    if (iceServers.length > 0 && pc.connectionState !== 'closed')
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
  }

  /** The answer is in: it has to connect within some seconds. */
  protected expect(pc: RTCPeerConnection): void {
    this.after(GIVE_UP_CONNECTING_MS, () => {
      if (pc.connectionState !== 'connected') this.again('slow', null);
    });
  }

  /** Drops what there is and tries anew after a while, in seconds at least `retryAfter`. */
  protected again(why: string, retryAfter: number | null): void {
    this.drop();
    this.down(why);
    const wait = Math.max(retryMs(this.attempt), (retryAfter ?? 0) * 1000);
    this.attempt += 1;
    this.after(wait, () => void this.open());
  }

  /** Ends the connection, and whatever was going to be tried. */
  protected drop(): void {
    this.generation += 1;
    this.clearTimer();
    this.name = null;
    if (this.pc) {
      this.pc.onconnectionstatechange = null;
      this.pc.close();
    }
    this.pc = null;
  }

  private lost(wait: number | null = null): void {
    this.name = null;
    this.attempt = Math.max(this.attempt, 1); // all of a node's connections come back over a second, not at once
    this.again('gone', wait);
  }

  private changed(pc: RTCPeerConnection): void {
    switch (pc.connectionState) {
      case 'connected':
        this.clearTimer();
        this.attempt = 0;
        this.connected(pc);
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

  private after(ms: number, run: () => void): void {
    this.clearTimer();
    this.timer = setTimeout(run, ms);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
