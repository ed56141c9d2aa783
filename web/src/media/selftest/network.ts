import { codeOf } from '../../protocol/failure';
import type { Http } from '../../protocol/http';
import type { TestFigures } from '../../protocol/types';
import { prefer, withPtime } from '../codecs';
import { IceServers } from '../ice';
import type { Way } from './answer';
import { tryWay, whenUp } from './link';
import { MeasuringPicture } from './picture';
import { outcome, sumUp, type Sums } from './readings';

export type NetworkPhase =
  | { name: 'waiting'; place: number; of: number; seconds: number }
  | { name: 'ways' }
  | { name: 'measuring'; share: number };

export interface Watcher {
  phase: (phase: NetworkPhase) => void;
  /** The picture that has come back from the node. */
  back: (stream: MediaStream) => void;
}

const CONNECT_MS = 12_000;
/** The rate climbs for some seconds before it shows what the line carries. */
const MEASURE_S = 10;
const LINES = 2;
const MOST_BPS = 1_200_000;
const AUDIO_MS = 60;

type Door = Pick<Http, 'beginSelfTest' | 'publishSelfTest' | 'watchSelfTest' | 'endSelfTest' | 'iceServers'>;

/**
 * Measures the way to the real media node: which ways connect, then a loop (what is sent comes back on two lines) for
 * ten seconds. Never raises, but for a stop; what went wrong is in the figures.
 */
export async function measureNetwork(
  http: Door,
  source: { camera: HTMLVideoElement | null; audio: MediaStreamTrack | null },
  watcher: Watcher,
  stop: AbortSignal,
): Promise<TestFigures['network']> {
  const ways: Record<Way, boolean | null> = { udp: null, tcp: null, relay: null };
  try {
    await turn(http, watcher, stop);
    watcher.phase({ name: 'ways' });
    const relays = await new IceServers(http).get();
    const found = await Promise.all(
      (['udp', 'tcp', 'relay'] as const).map((way) => tryWay(http, way, relays, stop)),
    );
    [ways.udp, ways.tcp, ways.relay] = [found[0] ?? null, found[1] ?? null, found[2] ?? null];
    stop.throwIfAborted();
    if (!found.includes(true)) return { state: 'failed', trouble: 'blocked', ...ways };
    const measured = await loop(http, relays, source, watcher, stop);
    if (measured === null) return { state: 'failed', trouble: 'not_connected', ...ways };
    const { frames, ...figures } = measured;
    if (frames === 0) return { state: 'failed', trouble: 'no_picture', ...figures, ...ways };
    return { state: 'ok', ...figures, ...ways };
  } catch (error) {
    stop.throwIfAborted();
    return { state: 'failed', trouble: codeOf(error), ...ways };
  } finally {
    void http.endSelfTest().catch(() => undefined);
  }
}

/** Waits for this site's turn. Raises Failure. */
async function turn(http: Door, watcher: Watcher, stop: AbortSignal): Promise<void> {
  for (;;) {
    stop.throwIfAborted();
    const told = await http.beginSelfTest();
    if (told.state === 'running') return;
    watcher.phase({ name: 'waiting', place: told.place, of: told.of, seconds: told.seconds });
    await pause(told.again * 1000, stop);
  }
}

async function loop(
  http: Door,
  relays: RTCIceServer[],
  source: { camera: HTMLVideoElement | null; audio: MediaStreamTrack | null },
  watcher: Watcher,
  stop: AbortSignal,
) {
  const config: RTCConfiguration = { bundlePolicy: 'max-bundle', iceServers: relays };
  const up = new RTCPeerConnection(config);
  const down = new RTCPeerConnection(config);
  const picture = new MeasuringPicture(source.camera);
  try {
    const audio = up.addTransceiver(source.audio ?? 'audio', { direction: 'sendonly' });
    const video = up.addTransceiver(picture.track, {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: MOST_BPS, priority: 'low' }],
    });
    prefer(audio, 'audio', 'send', 'vp8');
    prefer(video, 'video', 'send', 'vp8');
    const sent = await up.createOffer();
    await up.setLocalDescription(sent);
    const answer = await http.publishSelfTest(sent.sdp ?? '');
    await up.setRemoteDescription({ type: 'answer', sdp: withPtime(answer.answer, AUDIO_MS) });
    prefer(down.addTransceiver('audio', { direction: 'recvonly' }), 'audio', 'receive', 'vp8');
    for (let i = 0; i < LINES; i++)
      prefer(down.addTransceiver('video', { direction: 'recvonly' }), 'video', 'receive', 'vp8');
    const wanted = await down.createOffer();
    await down.setLocalDescription(wanted);
    const got = await http.watchSelfTest(wanted.sdp ?? '', 'loop');
    await down.setRemoteDescription({ type: 'answer', sdp: got.answer });
    const both = await Promise.all([whenUp(up, CONNECT_MS, stop), whenUp(down, CONNECT_MS, stop)]);
    if (!both.every(Boolean)) return null;
    const first = down.getReceivers().find((r) => r.track.kind === 'video');
    if (first) watcher.back(new MediaStream([first.track]));
    const readings: Sums[] = [];
    for (let s = 0; s <= MEASURE_S; s++) {
      watcher.phase({ name: 'measuring', share: s / MEASURE_S });
      if (s > 0) await pause(1000, stop);
      const [ours, theirs] = await Promise.all([up.getStats(), down.getStats()]);
      readings.push(sumUp(entries(ours), entries(theirs), performance.now()));
    }
    return outcome(readings);
  } finally {
    picture.stop();
    up.close();
    down.close();
  }
}

/** A report can be gone through once only as an iterator; the readings look twice. */
const entries = (report: RTCStatsReport): [string, unknown][] => [
  ...(report as unknown as Iterable<[string, unknown]>),
];

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const stopped = () => {
      clearTimeout(timer);
      failed(stop.reason as Error);
    };
    const timer = setTimeout(() => {
      stop.removeEventListener('abort', stopped);
      done();
    }, ms);
    stop.addEventListener('abort', stopped, { once: true });
  });
}
