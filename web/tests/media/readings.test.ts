import { describe, expect, it } from 'vitest';
import { faultOf } from '../../src/media/devices';
import { levelOf, loudness } from '../../src/media/meter';
import { isDegraded, QualityReader } from '../../src/media/quality';
import { cover } from '../../src/media/snapshots';

describe('quality', () => {
  const report = (received: number, lost: number, bytes: number, frozen: number): [string, unknown][] => [
    [
      'a',
      {
        type: 'inbound-rtp',
        packetsReceived: received,
        packetsLost: lost,
        bytesReceived: bytes,
        totalFreezesDuration: frozen,
        framesPerSecond: 25,
      },
    ],
    ['b', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 }],
  ];

  it('is what happened between two readings', () => {
    const reader = new QualityReader();
    expect(reader.read(report(100, 0, 10_000, 0), 1_000)).toBeNull();
    expect(reader.read(report(190, 10, 260_000, 0.5), 3_000)).toEqual({
      loss: 0.1,
      fps: 25,
      frozen: 0.25,
      bitrate: 1_000_000,
      rtt: 20,
    });
  });

  it('starts again with a new connection', () => {
    const reader = new QualityReader();
    reader.read(report(100, 0, 10_000, 0), 1_000);
    expect(reader.read(report(5, 0, 500, 0), 2_000)).toBeNull();
  });

  it('is poor beyond one packet in twenty or a tenth of the time frozen', () => {
    const good = { loss: 0.02, fps: 25, frozen: 0, bitrate: 1, rtt: null };
    expect([
      isDegraded(good),
      isDegraded({ ...good, loss: 0.06 }),
      isDegraded({ ...good, frozen: 0.2 }),
    ]).toEqual([false, true, true]);
  });
});

describe('levels', () => {
  it('lie between silence and full scale', () => {
    expect(loudness(new Float32Array(64))).toBe(0);
    expect(loudness(new Float32Array(64).fill(1))).toBe(1);
    expect(loudness(new Float32Array(64).fill(0.0316))).toBeCloseTo(0.5, 2);
    expect([levelOf(-127), levelOf(-30), levelOf(0)]).toEqual([0, 0.5, 1]);
  });
});

describe('a device that cannot be used', () => {
  it.each([
    ['NotAllowedError', 'refused'],
    ['NotFoundError', 'none'],
    ['OverconstrainedError', 'none'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
    ['SecurityError', 'insecure'],
  ])('%s is %s', (name, fault) => {
    expect(faultOf(new DOMException('x', name))).toBe(fault);
  });
});

describe('a standing-by picture', () => {
  it('is the middle of what the camera sees, 16:9', () => {
    expect(cover(640, 480)).toEqual({ sx: 0, sy: 60, sw: 640, sh: 360 });
    expect(cover(2000, 900)).toEqual({ sx: 200, sy: 0, sw: 1600, sh: 900 });
    expect(cover(1280, 720)).toEqual({ sx: 0, sy: 0, sw: 1280, sh: 720 });
  });
});
