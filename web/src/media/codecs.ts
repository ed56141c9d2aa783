import type { Codec } from '../protocol/types';

interface CodecLike {
  mimeType: string;
  clockRate: number;
  channels?: number;
  sdpFmtpLine?: string;
}

/**
 * The codecs worth offering: H.264 constrained baseline with packetization mode 1 and VP8, the meeting's first, with their
 * retransmission. Everything else only makes 12 video lines' offers long.
 */
export function videoCodecs<T extends CodecLike>(all: readonly T[], first: Codec): T[] {
  const h264 = all.filter(
    (c) => c.mimeType.toLowerCase() === 'video/h264' && isBaseline(c.sdpFmtpLine ?? ''),
  );
  const vp8 = all.filter((c) => c.mimeType.toLowerCase() === 'video/vp8');
  const rtx = all.filter((c) => c.mimeType.toLowerCase() === 'video/rtx');
  const wanted = first === 'h264' ? [...h264, ...vp8] : [...vp8, ...h264];
  return wanted.length === 0 ? [] : [...wanted, ...rtx];
}

/** Constrained baseline: profile-level-id 42 with constraint_set1 (RFC 6184 §8.1), packetization mode 1. */
function isBaseline(fmtp: string): boolean {
  const profile = /profile-level-id=42([0-9a-f]{2})/i.exec(fmtp)?.[1];
  return (
    fmtp.includes('packetization-mode=1') &&
    profile !== undefined &&
    (Number.parseInt(profile, 16) & 0x40) !== 0
  );
}

/** Sent also with the frame before in each packet (RFC 2198), which the server takes apart: viewers get Opus. */
export function audioCodecs<T extends CodecLike>(all: readonly T[], side: 'send' | 'receive'): T[] {
  const wanted = side === 'send' ? ['audio/opus', 'audio/red'] : ['audio/opus'];
  return all.filter((c) => wanted.includes(c.mimeType.toLowerCase()));
}

/** Sets the order where the browser can; one that cannot offers all it has and the server chooses. */
export function prefer(
  transceiver: RTCRtpTransceiver,
  kind: 'audio' | 'video',
  side: 'send' | 'receive',
  first: Codec,
): void {
  const source = side === 'send' ? RTCRtpSender : RTCRtpReceiver;
  const all = source.getCapabilities(kind)?.codecs ?? [];
  const wanted = kind === 'audio' ? audioCodecs(all, side) : videoCodecs(all, first);
  if (wanted.length === 0 || !('setCodecPreferences' in transceiver)) return;
  try {
    transceiver.setCodecPreferences(wanted);
  } catch {
    // An older Firefox refuses what it has itself listed; its own order serves too.
  }
}

/** Can this browser show the codec at all? Firefox without its H.264 plugin cannot. */
export function canDecode(codec: Codec): boolean {
  const mime = codec === 'h264' ? 'video/h264' : 'video/vp8';
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  return codecs.length === 0 || codecs.some((c) => c.mimeType.toLowerCase() === mime);
}

/**
 * Makes the answer ask for long audio frames: 60 ms cost a third of the packets of 20 ms (RFC 8866 §6.4). An answer that
 * says its own stays as it is.
 */
export function withPtime(answer: string, ms: number): string {
  return answer
    .split(/(?=^m=)/m)
    .map((section) =>
      section.startsWith('m=audio') && !/^a=ptime:/m.test(section)
        ? `${section.replace(/\s*$/, '')}\r\na=ptime:${ms}\r\n`
        : section,
    )
    .join('');
}
