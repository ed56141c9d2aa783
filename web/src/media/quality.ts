/** What a browser says about one direction, since the reading before. */
export interface Quality {
  /** 0 to 1. */
  loss: number;
  fps: number;
  /** Share of the time that the picture stood still, 0 to 1. */
  frozen: number;
  /** bit/s */
  bitrate: number;
  /** ms */
  rtt: number | null;
}

interface Sums {
  at: number;
  received: number;
  lost: number;
  bytes: number;
  frozenS: number;
  fps: number;
  rtt: number | null;
}

/** Reads `getStats` (WebRTC statistics) twice and says what happened in between. */
export class QualityReader {
  private last: Sums | null = null;

  read(report: Iterable<[string, unknown]>, at: number): Quality | null {
    const now = sum(report, at);
    const { last } = this;
    this.last = now;
    // A new connection counts from nothing.
    if (last === null || now.bytes < last.bytes || at <= last.at) return null;
    const seconds = (at - last.at) / 1000;
    const received = now.received - last.received;
    const lost = Math.max(0, now.lost - last.lost);
    return {
      loss: received + lost === 0 ? 0 : lost / (received + lost),
      fps: now.fps,
      frozen: Math.min(1, Math.max(0, (now.frozenS - last.frozenS) / seconds)),
      bitrate: ((now.bytes - last.bytes) * 8) / seconds,
      rtt: now.rtt,
    };
  }
}

function sum(report: Iterable<[string, unknown]>, at: number): Sums {
  const sums: Sums = { at, received: 0, lost: 0, bytes: 0, frozenS: 0, fps: 0, rtt: null };
  const of = (stat: Record<string, unknown>, key: string): number => {
    const value = stat[key];
    return typeof value === 'number' ? value : 0;
  };
  for (const [, entry] of report) {
    const stat = entry as Record<string, unknown>;
    if (stat['type'] === 'inbound-rtp') {
      sums.received += of(stat, 'packetsReceived');
      sums.lost += of(stat, 'packetsLost');
      sums.bytes += of(stat, 'bytesReceived');
      sums.frozenS += of(stat, 'totalFreezesDuration');
      sums.fps = Math.max(sums.fps, of(stat, 'framesPerSecond'));
    } else if (stat['type'] === 'outbound-rtp') {
      sums.bytes += of(stat, 'bytesSent');
      sums.received += of(stat, 'packetsSent');
      sums.fps = Math.max(sums.fps, of(stat, 'framesPerSecond'));
    } else if (stat['type'] === 'remote-inbound-rtp') {
      sums.lost += of(stat, 'packetsLost');
      const rtt = of(stat, 'roundTripTime');
      if (rtt > 0) sums.rtt = rtt * 1000;
    } else if (stat['type'] === 'candidate-pair' && stat['nominated'] === true) {
      const rtt = of(stat, 'currentRoundTripTime');
      if (rtt > 0) sums.rtt = rtt * 1000;
    }
  }
  return sums;
}

/** Bad enough to say so: one packet in twenty, or a tenth of the time frozen. */
export const isDegraded = (q: Quality): boolean => q.loss > 0.05 || q.frozen > 0.1;
