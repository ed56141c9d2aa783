// What a publisher sends, and what of it on a line too narrow for all. Imports nothing: the tests of weak lines run it too.

/** Two layers, lowest first: without bandwidth feedback a browser starts with the lowest. Rates in bit/s. */
const SMALL_BPS = 220_000;
export const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 2, maxBitrate: SMALL_BPS, priority: 'low' },
  { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 900_000, priority: 'low' },
];

/** On a line too narrow for both, sound comes first. */
export const VOICE: RTCRtpEncodingParameters[] = [{ priority: 'high', networkPriority: 'high' }];

/** Below this a browser sends no large layer at 360 lines, and fills the line with padding to see whether it could. */
const BOTH_BPS = 330_000;
/** From here the small layer alone no longer shows what more the line would carry. */
const TRY_BPS = 220_000;
const LEAST_BPS = 30_000;
/** Of the estimate; the rest is headers, retransmissions and redundant sound, which browsers do not count. */
const SHARE = 0.8;
const READ_MS = 1_000;
/** A line's rate is not known at once, neither after the connection nor after more was asked of it. */
const GRACE_MS = 6_000;
const WAITS_MS = [10_000, 20_000, 40_000, 60_000] as const;

export interface Layers {
  both: boolean;
  /** What the small layer may take, bit/s. */
  small: number;
}

/**
 * Which layers a line carries beside the sound. A browser left alone with a narrow line fills it to the brim with padding and
 * retransmissions of what it loses there, and sound is lost with them (docs/bandwidth.md).
 */
export class Allowance {
  private both = true;
  private low = 0;
  private good = 0;
  private failures = 0;
  /** When the large layer was last begun, and before when it is not tried again; ms. */
  private begun: number;
  private notBefore = 0;

  constructor(now: number) {
    this.begun = now;
  }

  /** One reading: the time in ms, what the browser believes the line carries and what the sound takes, bit/s. */
  next(now: number, estimate: number, sound: number): Layers {
    if (this.both) this.whole(now, estimate);
    else this.narrow(now, estimate);
    if (this.both) return { both: true, small: SMALL_BPS };
    return {
      both: false,
      small: Math.round(Math.min(SMALL_BPS, Math.max(LEAST_BPS, SHARE * estimate - sound))),
    };
  }

  private whole(now: number, estimate: number): void {
    if (estimate >= BOTH_BPS) {
      this.low = 0;
      if (now - this.begun > 5 * GRACE_MS) this.failures = 0;
      return;
    }
    this.low += 1;
    if (this.low < 2 || (estimate >= TRY_BPS && now - this.begun < GRACE_MS)) return;
    this.both = false;
    this.good = 0;
    this.notBefore = now + (WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)] ?? 0);
    this.failures += 1;
  }

  private narrow(now: number, estimate: number): void {
    this.good = estimate >= TRY_BPS ? this.good + 1 : 0;
    if (this.good < 3 || now < this.notBefore) return;
    this.both = true;
    this.low = 0;
    this.begun = now;
  }
}

interface Sums {
  at: number;
  estimate: number;
  soundBytes: number;
}

/** What `getStats` says of a sending connection; null where the browser tells no estimate (Firefox). */
export function sums(report: Iterable<[string, unknown]>, at: number): Sums | null {
  let estimate: number | null = null;
  let soundBytes = 0;
  for (const [, entry] of report) {
    const stat = entry as Record<string, unknown>;
    const of = (key: string): number => (typeof stat[key] === 'number' ? stat[key] : 0);
    if (stat['type'] === 'candidate-pair' && stat['nominated'] === true)
      estimate = of('availableOutgoingBitrate') || estimate;
    else if (stat['type'] === 'outbound-rtp' && stat['kind'] === 'audio')
      soundBytes += of('bytesSent') + of('headerBytesSent') + 28 * of('packetsSent'); // IPv4 and UDP
  }
  return estimate === null ? null : { at, estimate, soundBytes };
}

/** Keeps what a connection's video sends within its line, until the connection is closed. */
export function keepWithin(pc: RTCPeerConnection, video: RTCRtpSender): void {
  const allowance = new Allowance(performance.now());
  let last: Sums | null = null;
  let asked: Layers = { both: true, small: SMALL_BPS };
  const read = async (): Promise<void> => {
    const now = sums(await pc.getStats(), performance.now());
    const before = last;
    last = now;
    if (now === null || before === null) return;
    const sound = ((now.soundBytes - before.soundBytes) * 8_000) / Math.max(1, now.at - before.at);
    const next = allowance.next(now.at, now.estimate, sound);
    if (next.both === asked.both && Math.abs(next.small - asked.small) < 5_000) return;
    const parameters = video.getParameters();
    const [small, large] = parameters.encodings;
    if (small === undefined || large === undefined) return;
    small.maxBitrate = next.small;
    large.active = next.both;
    await video.setParameters(parameters);
    asked = next;
  };
  const timer = setInterval(() => {
    if (pc.connectionState === 'closed') clearInterval(timer);
    else void read().catch(() => undefined); // closed meanwhile, or a browser that changes no parameters: as it would be without
  }, READ_MS);
}
