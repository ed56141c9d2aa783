import type { Http } from '../../protocol/http';
import { prefer } from '../codecs';
import { onlyTransport, transportsOf, type Way } from './answer';

/** A way that leads somewhere does so within some seconds; one that is blocked never answers. */
const WAY_MS = 8_000;

/** Settles when the connection is up (true), has failed, is told to stop, or has not come up in time. */
export function whenUp(pc: RTCPeerConnection, ms: number, stop: AbortSignal): Promise<boolean> {
  return new Promise((done) => {
    const end = (up: boolean) => {
      clearTimeout(timer);
      pc.removeEventListener('connectionstatechange', look);
      stop.removeEventListener('abort', stopped);
      done(up);
    };
    const look = () => {
      if (pc.connectionState === 'connected') end(true);
      else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') end(false);
    };
    const stopped = () => end(false);
    const timer = setTimeout(() => end(false), ms);
    pc.addEventListener('connectionstatechange', look);
    stop.addEventListener('abort', stopped);
    look();
  });
}

/**
 * Whether one way leads to the node, with nothing but that way offered; null where there is no such way to try. Raises
 * Failure when the server does not answer.
 */
export async function tryWay(
  http: Pick<Http, 'watchSelfTest'>,
  way: Way,
  relays: RTCIceServer[],
  stop: AbortSignal,
): Promise<boolean | null> {
  if (way === 'relay' && relays.length === 0) return null;
  const pc = new RTCPeerConnection(
    way === 'relay'
      ? { bundlePolicy: 'max-bundle', iceServers: relays, iceTransportPolicy: 'relay' }
      : { bundlePolicy: 'max-bundle' },
  );
  try {
    prefer(pc.addTransceiver('audio', { direction: 'recvonly' }), 'audio', 'receive', 'vp8');
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    const { answer } = await http.watchSelfTest(offer.sdp ?? '', 'way');
    if (way !== 'relay' && !transportsOf(answer).has(way)) return null;
    const sdp = way === 'relay' ? answer : onlyTransport(answer, way);
    await pc.setRemoteDescription({ type: 'answer', sdp });
    return await whenUp(pc, WAY_MS, stop);
  } finally {
    pc.close();
  }
}
