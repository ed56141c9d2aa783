import type { Way } from './answer';

/** Sums of both connections at one moment (WebRTC statistics); ms and bytes. */
export interface Sums {
  at: number;
  sentBytes: number;
  gotBytes: number;
  sentPackets: number;
  upLost: number;
  gotPackets: number;
  downLost: number;
  frames: number;
  rtt: number | null;
  jitter: number | null;
  path: Way | null;
}

/** What a line did while it was measured. Rates are what got through: it carries at least that. */
export interface Measured {
  down_kbps: number;
  up_kbps: number;
  down_loss: number;
  up_loss: number;
  rtt_ms: number | null;
  jitter_ms: number | null;
  path: Way | null;
  frames: number;
}

type Report = Iterable<[string, unknown]>;

const number = (stat: Record<string, unknown>, key: string): number => {
  const value = stat[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};

/** Reads the publisher's and the viewer's statistics. */
export function sumUp(publisher: Report, viewer: Report, at: number): Sums {
  const sums: Sums = {
    at,
    sentBytes: 0,
    gotBytes: 0,
    sentPackets: 0,
    upLost: 0,
    gotPackets: 0,
    downLost: 0,
    frames: 0,
    rtt: null,
    jitter: null,
    path: null,
  };
  for (const [, entry] of publisher) {
    const stat = entry as Record<string, unknown>;
    if (stat['type'] === 'outbound-rtp') {
      sums.sentBytes += number(stat, 'bytesSent');
      sums.sentPackets += number(stat, 'packetsSent');
    } else if (stat['type'] === 'remote-inbound-rtp') {
      sums.upLost += Math.max(0, number(stat, 'packetsLost'));
    }
  }
  for (const [, entry] of viewer) {
    const stat = entry as Record<string, unknown>;
    if (stat['type'] !== 'inbound-rtp') continue;
    sums.gotBytes += number(stat, 'bytesReceived');
    sums.gotPackets += number(stat, 'packetsReceived');
    sums.downLost += Math.max(0, number(stat, 'packetsLost'));
    sums.frames += number(stat, 'framesDecoded');
    if (stat['kind'] === 'audio') sums.jitter = number(stat, 'jitter') * 1000;
  }
  const pair = chosenPair(viewer) ?? chosenPair(publisher);
  if (pair) {
    const rtt = number(pair.pair, 'currentRoundTripTime');
    sums.rtt = rtt > 0 ? rtt * 1000 : null;
    sums.path = pair.path;
  }
  return sums;
}

/** The pair of candidates in use, and what kind of way that is. */
export function chosenPair(report: Report): { pair: Record<string, unknown>; path: Way } | null {
  const all = new Map<string, Record<string, unknown>>();
  for (const [id, entry] of report) all.set(id, entry as Record<string, unknown>);
  for (const pair of all.values()) {
    if (pair['type'] !== 'candidate-pair' || pair['nominated'] !== true || pair['state'] !== 'succeeded')
      continue;
    const local = all.get(String(pair['localCandidateId']));
    if (local?.['candidateType'] === 'relay') return { pair, path: 'relay' };
    const protocol = local?.['protocol'];
    return { pair, path: protocol === 'tcp' ? 'tcp' : 'udp' };
  }
  return null;
}

/** Seconds over which the best rate is taken: shorter, and one burst would be a line's rate. */
const BEST_S = 2;

/** The outcome of readings about a second apart. The first is where counting begins. */
export function outcome(readings: readonly Sums[]): Measured | null {
  const first = readings[0];
  const last = readings.at(-1);
  if (!first || !last || last.at <= first.at) return null;
  const sent = last.sentPackets - first.sentPackets;
  const upLost = Math.min(sent, Math.max(0, last.upLost - first.upLost));
  const got = last.gotPackets - first.gotPackets;
  const downLost = Math.max(0, last.downLost - first.downLost);
  const upLoss = sent > 0 ? upLost / sent : 0;
  return {
    down_kbps: Math.round(best(readings, (s) => s.gotBytes)),
    up_kbps: Math.round(best(readings, (s) => s.sentBytes) * (1 - upLoss)),
    down_loss: got + downLost > 0 ? downLost / (got + downLost) : 0,
    up_loss: upLoss,
    rtt_ms: rounded(median(readings.map((s) => s.rtt))),
    jitter_ms: rounded(median(readings.map((s) => s.jitter))),
    path: last.path,
    frames: last.frames - first.frames,
  };
}

function best(readings: readonly Sums[], bytes: (s: Sums) => number): number {
  let most = 0;
  for (let i = 0; i < readings.length; i++) {
    const from = readings[i];
    const to = readings.slice(i + 1).find((s) => from && s.at - from.at >= BEST_S * 1000 - 100);
    if (!from || !to) break;
    most = Math.max(most, ((bytes(to) - bytes(from)) * 8) / (to.at - from.at));
  }
  return most;
}

function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((v) => v !== null).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value));
