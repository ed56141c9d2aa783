import type { Http } from '../protocol/http';
import type { IceServersAnswer } from '../protocol/types';

/** Credentials are renewed when so much of their time is left. */
const SPARE = 0.25;

/**
 * The relays that media connections may use. Kept until their credentials are about to expire; a server that does not
 * answer costs nothing but the relays, for most connections need none.
 */
export class IceServers {
  private known: RTCIceServer[] = [];
  private until = 0;
  private asking: Promise<RTCIceServer[]> | null = null;

  constructor(
    private readonly http: Pick<Http, 'iceServers'>,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** Never raises. */
  get(): Promise<RTCIceServer[]> {
    if (this.now() < this.until) return Promise.resolve(this.known);
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /** What came with the welcome: nothing is to be asked for until it is about to expire. */
  offer(answer: IceServersAnswer): void {
    this.take(answer, this.now());
  }

  private async ask(): Promise<RTCIceServer[]> {
    const began = this.now();
    try {
      this.take(await this.http.iceServers(), began);
    } catch {
      // What was known may still do.
    }
    return this.known;
  }

  private take(answer: IceServersAnswer, at: number): void {
    this.known = answer.servers;
    this.until = at + answer.lifetime_s * 1000 * (1 - SPARE);
  }
}
