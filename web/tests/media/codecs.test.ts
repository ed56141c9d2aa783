import { describe, expect, it } from 'vitest';
import { audioCodecs, videoCodecs, withPtime } from '../../src/media/codecs';

const h264 = (profile: string, mode: number) => ({
  mimeType: 'video/H264',
  clockRate: 90000,
  sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
});
const vp8 = { mimeType: 'video/VP8', clockRate: 90000 };
const rtx = { mimeType: 'video/rtx', clockRate: 90000 };
const av1 = { mimeType: 'video/AV1', clockRate: 90000 };

describe('codecs offered', () => {
  it("puts the meeting's first and leaves out what no program uses", () => {
    const all = [vp8, rtx, h264('42001f', 1), h264('42e01f', 1), h264('42e01f', 0), h264('640c1f', 1), av1];
    expect(videoCodecs(all, 'h264')).toEqual([h264('42e01f', 1), vp8, rtx]);
    expect(videoCodecs(all, 'vp8')).toEqual([vp8, h264('42e01f', 1), rtx]);
  });

  it('offers VP8 alone where there is no H.264, nothing where there is neither', () => {
    expect(videoCodecs([vp8, rtx], 'h264')).toEqual([vp8, rtx]);
    expect(videoCodecs([av1, rtx], 'h264')).toEqual([]);
  });

  it('offers Opus only, and redundant audio where it sends', () => {
    const opus = { mimeType: 'audio/opus', clockRate: 48000, channels: 2 };
    const red = { mimeType: 'audio/red', clockRate: 48000, channels: 2 };
    const all = [{ mimeType: 'audio/PCMU', clockRate: 8000 }, opus, red];
    expect(audioCodecs(all, 'receive')).toEqual([opus]);
    expect(audioCodecs(all, 'send')).toEqual([opus, red]);
  });
});

describe('long audio frames', () => {
  const sdp =
    'v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n';

  it('are asked for in the audio section only', () => {
    expect(withPtime(sdp, 60)).toBe(sdp.replace('a=mid:0\r\n', 'a=mid:0\r\na=ptime:60\r\n'));
  });

  it('are left as the server has them', () => {
    const asked = sdp.replace('a=mid:0\r\n', 'a=mid:0\r\na=ptime:20\r\n');
    expect(withPtime(asked, 60)).toBe(asked);
  });
});
