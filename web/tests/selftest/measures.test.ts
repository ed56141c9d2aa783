import { describe, expect, it } from 'vitest';
import { onlyTransport, transportsOf } from '../../src/media/selftest/answer';
import { browserOf, systemOf } from '../../src/media/selftest/browser';
import { glimpseOf, judgeCamera, type Glimpse } from '../../src/media/selftest/camera';
import { chosenPair, outcome, sumUp, type Sums } from '../../src/media/selftest/readings';
import { toneHeard } from '../../src/media/selftest/tone';

const ANSWER = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=candidate:1 1 udp 2130706431 203.0.113.7 41800 typ host',
  'a=candidate:2 1 UDP 2130706175 2001:db8::7 41800 typ host',
  'a=candidate:3 1 tcp 1518280447 203.0.113.7 41800 typ host tcptype passive',
  'a=end-of-candidates',
  '',
].join('\r\n');

describe('one way alone', () => {
  it('keeps the candidates of one transport and everything else', () => {
    expect(onlyTransport(ANSWER, 'udp').match(/a=candidate/g)).toHaveLength(2);
    const tcp = onlyTransport(ANSWER, 'tcp');
    expect(tcp.match(/a=candidate.*/g)).toEqual([expect.stringContaining('tcptype passive')]);
    expect(tcp).toContain('a=end-of-candidates');
  });

  it('knows which transports there are', () => {
    expect([...transportsOf(ANSWER)]).toEqual(['udp', 'tcp']);
    expect([...transportsOf('v=0\r\n')]).toEqual([]);
  });
});

describe('a camera', () => {
  const seen = (mean: number, spread: number, change: number): Glimpse => ({ mean, spread, change });

  it('is well when its picture has light and changes', () => {
    expect(judgeCamera([seen(90, 40, 0), seen(90, 40, 0.02), seen(90, 40, 0)])).toBe('ok');
    expect(judgeCamera([seen(12, 30, 0), seen(12, 30, 1)]), 'a dark room with a lamp in it').toBe('ok');
  });

  it('is black behind its shutter, even where the sensor is noisy', () => {
    expect(judgeCamera([seen(3, 1, 0), seen(4, 2, 0.4)])).toBe('black');
    expect(judgeCamera([seen(3, 1, 0), seen(80, 30, 60)]), 'it was only waking up').toBe('ok');
  });

  it('stands still when no pixel ever changes', () => {
    expect(judgeCamera([seen(90, 40, 0), seen(90, 40, 0), seen(90, 40, 0)])).toBe('frozen');
  });

  it('is read off pixels', () => {
    const grey = new Uint8ClampedArray([100, 100, 100, 255, 100, 100, 100, 255]);
    const other = new Uint8ClampedArray([0, 0, 0, 255, 200, 200, 200, 255]);
    const still = glimpseOf(grey, null);
    expect(still.mean).toBeCloseTo(100, 3);
    expect(still.spread).toBeCloseTo(0, 3);
    const moved = glimpseOf(other, grey);
    expect(moved.change).toBe(100);
    expect(moved.spread).toBeCloseTo(100, 3);
  });
});

describe('the loudspeaker', () => {
  const silence = -100;
  it('is heard when each note is loud in its own time', () => {
    const heard = [
      [-40, silence, silence],
      [silence, -42, silence],
      [silence, silence, -60],
    ];
    expect(toneHeard(heard)).toBe(true);
    expect(toneHeard([...heard.slice(0, 2), [silence, silence, silence]]), 'one may be lost').toBe(true);
  });

  it('is not taken for a noise that is loud all the time, nor silence for it', () => {
    expect(toneHeard(Array.from({ length: 3 }, () => [-40, -40, -40]))).toBe(false);
    expect(toneHeard(Array.from({ length: 3 }, () => [silence, silence, silence]))).toBe(false);
    expect(toneHeard(Array.from({ length: 3 }, () => [-Infinity, -Infinity, -Infinity]))).toBe(false);
  });
});

const nothing: Sums = {
  at: 0,
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

describe('readings of a line', () => {
  it('give the best rate that was held for two seconds, the losses of all, the middle of round trips', () => {
    const readings = [0, 1, 2, 3, 4].map((s) => ({
      ...nothing,
      at: s * 1000,
      // 50 kB in the first two seconds together, then 125 kB a second: a megabit.
      sentBytes: s <= 2 ? s * 25_000 : 50_000 + (s - 2) * 125_000,
      gotBytes: s * 250_000,
      sentPackets: s * 100,
      upLost: s,
      gotPackets: s * 190,
      downLost: s * 10,
      frames: s * 15,
      rtt: [300, 20, 25, 22, 21][s] ?? null,
      jitter: s === 0 ? null : 4.4,
      path: 'udp' as const,
    }));
    expect(outcome(readings)).toEqual({
      down_kbps: 2000,
      up_kbps: 990,
      down_loss: 0.05,
      up_loss: 0.01,
      rtt_ms: 22,
      jitter_ms: 4,
      path: 'udp',
      frames: 60,
    });
  });

  it('give nothing when there was nothing, and no nonsense when counts go back', () => {
    expect(outcome([])).toBeNull();
    expect(outcome([nothing])).toBeNull();
    const odd = outcome([
      { ...nothing, upLost: 9, downLost: 9, gotPackets: 5, sentPackets: 5 },
      { ...nothing, at: 3000, gotPackets: 5, sentPackets: 5 },
    ]);
    expect(odd).toMatchObject({ up_loss: 0, down_loss: 0, down_kbps: 0, up_kbps: 0, rtt_ms: null });
  });

  const pair = (local: object): [string, unknown][] => [
    ['P0', { type: 'candidate-pair', nominated: false, state: 'failed', localCandidateId: 'L0' }],
    [
      'P',
      {
        type: 'candidate-pair',
        nominated: true,
        state: 'succeeded',
        localCandidateId: 'L',
        currentRoundTripTime: 0.031,
      },
    ],
    ['L', { type: 'local-candidate', ...local }],
  ];

  it('say which way was taken', () => {
    expect(chosenPair(pair({ candidateType: 'host', protocol: 'udp' }))?.path).toBe('udp');
    expect(chosenPair(pair({ candidateType: 'host', protocol: 'tcp' }))?.path).toBe('tcp');
    expect(chosenPair(pair({ candidateType: 'relay', protocol: 'udp' }))?.path).toBe('relay');
    expect(chosenPair([])).toBeNull();
  });

  it('sum both connections, whatever else a report holds', () => {
    const up: [string, unknown][] = [
      ['a', { type: 'outbound-rtp', bytesSent: 100, packetsSent: 2 }],
      ['b', { type: 'remote-inbound-rtp', packetsLost: -1 }],
      ['c', { type: 'outbound-rtp', bytesSent: 'many', packetsSent: Number.NaN }],
    ];
    const down: [string, unknown][] = [
      ...pair({ candidateType: 'host', protocol: 'udp' }),
      ['d', { type: 'inbound-rtp', kind: 'audio', bytesReceived: 50, packetsReceived: 1, jitter: 0.004 }],
      ['e', { type: 'inbound-rtp', kind: 'video', bytesReceived: 500, framesDecoded: 3, packetsLost: 2 }],
    ];
    expect(sumUp(up, down, 7)).toEqual({
      at: 7,
      sentBytes: 100,
      gotBytes: 550,
      sentPackets: 2,
      upLost: 0,
      gotPackets: 1,
      downLost: 2,
      frames: 3,
      rtt: 31,
      jitter: 4,
      path: 'udp',
    });
  });
});

describe('browsers and systems', () => {
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      'Chrome 156',
      'Windows 10/11',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) coc_coc_browser/120.0.0 Chrome/114.0 Safari/537.36',
      'Cốc Cốc 120',
      'Windows 10/11',
    ],
    [
      'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36 Edg/109.0',
      'Edge 109',
      'Windows 6.1',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox 128', 'Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari 17',
      'iOS 17',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36',
      'Samsung Internet 25',
      'Android 14',
    ],
    ['curl/8', 'khác', 'khác'],
  ])('are named from %s', (agent, browser, system) => {
    expect(browserOf(agent)).toBe(browser);
    expect(systemOf(agent)).toBe(system);
  });
});
