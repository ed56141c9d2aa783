import type { Http } from '../protocol/http';

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

  private async ask(): Promise<RTCIceServer[]> {
    const began = this.now();
    try {
      const answer = await this.http.iceServers();
      this.known = answer.servers;
      this.until = began + answer.lifetime_s * 1000 * (1 - SPARE);
    } catch {
      // What was known may still do.
    }
    return this.known;
  }
}
