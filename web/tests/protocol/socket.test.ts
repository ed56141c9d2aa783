import { describe, expect, it } from 'vitest';
import { codeOf } from '../../src/protocol/failure';
import { backoff, Wire, type StreamHandler } from '../../src/protocol/socket';
import type { StreamEvent } from '../../src/protocol/types';
import { seeded } from '../random';
import { FakeWorld } from './fakes';

const STREAM = 'meeting:m_1';

class Log implements StreamHandler {
  seqs: number[] = [];
  snaps: number[] = [];
  refusals = 0;
  snap(_state: unknown, seq: number): void {
    this.snaps.push(seq);
    this.seqs = [];
  }
  ev(event: StreamEvent): void {
    this.seqs.push(event.seq);
  }
  refused(): void {
    this.refusals += 1;
  }
  eph(): void {
    // Nothing fleeting is tested here.
  }
}

function start(world = new FakeWorld()) {
  const wire = new Wire('ws://x/api/v1/ws', 'desk', 'tab-1', world);
  wire.start();
  return { world, wire };
}

function welcome(world: FakeWorld): void {
  world.last.onopen?.();
  world.last.say({
    op: 'welcome',
    who: { id: 'p_1', csrf: 'c' },
    beat_s: 5,
    server: '0',
    now: new Date(world.time).toISOString(),
    you: null,
  });
}

const ev = (seq: number) => ({ op: 'ev', stream: STREAM, seq, type: 'x', at: '', actor: '', data: {} });
const snap = (seq: number) => ({ op: 'snap', stream: STREAM, seq, state: {} });

describe('the wire', () => {
  it('says hello first and is open once welcomed', () => {
    const { world, wire } = start();
    expect(wire.state.getState().link).toBe('connecting');
    welcome(world);
    expect(world.last.sent[0]).toEqual({ op: 'hello', proto: 1, page: 'desk', tab: 'tab-1' });
    expect(wire.state.getState()).toMatchObject({ link: 'open', downSince: null });
  });

  it('comes back by itself after a loss and asks for the difference by its seq', () => {
    const { world, wire } = start();
    const log = new Log();
    wire.subscribe(STREAM, ['presence'], log);
    welcome(world);
    world.last.say(snap(10));
    world.last.say(ev(11));
    world.last.onclose?.({ code: 1006 });
    expect(wire.state.getState().link).toBe('waiting');
    world.pass(1_000);
    expect(world.sockets).toHaveLength(2);
    welcome(world);
    expect(world.last.of('sub')).toEqual([{ op: 'sub', stream: STREAM, since: 11, with: ['presence'] }]);
  });

  it('takes silence of three beats for a loss', () => {
    const { world } = start();
    welcome(world);
    world.pass(14_900);
    expect(world.sockets).toHaveLength(1);
    world.pass(1_200);
    expect(world.sockets).toHaveLength(2);
    expect(world.sockets[0]?.closed).toBe(true);
  });

  it('gives an old connection two beats to prove itself when the network comes back', () => {
    const { world, wire } = start();
    welcome(world);
    wire.nudge();
    world.pass(9_900);
    expect(world.sockets).toHaveLength(1);
    world.pass(1_200);
    expect(world.sockets).toHaveLength(2);
    world.last.onclose?.({ code: 1006 });
    wire.nudge();
    expect(world.sockets).toHaveLength(3);
  });

  it('says often enough that somebody listens, and not at every beat', () => {
    const { world } = start();
    welcome(world);
    const said: number[] = [];
    for (let i = 0; i < 24; i++) {
      world.pass(5_000);
      const before = world.last.of('pong').length;
      world.last.say({ op: 'beat', heads: {}, now: new Date(world.time).toISOString() });
      if (world.last.of('pong').length > before) said.push(world.time);
    }
    expect(world.sockets).toHaveLength(1);
    const gaps = said.slice(1).map((at, i) => at - (said[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(25_000);
    expect(said.length).toBeLessThan(10);
  });

  it('waits at the door as long as it is told to, and knows its place', () => {
    const { world, wire } = start();
    world.last.onopen?.();
    for (let place = 40; place > 0; place -= 1) {
      world.last.say({ op: 'wait', place, of: 40, seconds: place });
      expect(wire.state.getState().queue).toEqual({ place, of: 40, seconds: place });
      world.pass(5_000);
    }
    expect(world.sockets).toHaveLength(1);
    expect(wire.state.getState().turns).toBe(0);
    world.last.say({ op: 'wait', place: 0, of: 0, seconds: 0 });
    expect(wire.state.getState().turns).toBe(1);
    welcome(world);
    expect(wire.state.getState().queue).toBeNull();
  });

  it('forgets its place with the connection, and posts pictures as often as the server wants', () => {
    const { world, wire } = start();
    welcome(world);
    world.last.say({ op: 'beat', heads: {}, now: new Date(world.time).toISOString(), picture_s: 245 });
    expect(wire.state.getState().pictureS).toBe(245);
    world.last.say({ op: 'wait', place: 3, of: 9, seconds: 1 });
    world.last.onclose?.({ code: 1006 });
    expect(wire.state.getState().queue).toBeNull();
  });

  it('does not come back when another device took its place, until it is told to', () => {
    const { world, wire } = start();
    welcome(world);
    world.last.onclose?.({ code: 4003 });
    world.pass(120_000);
    expect(wire.state.getState().link).toBe('replaced');
    expect(world.sockets).toHaveLength(1);
    wire.retryNow();
    expect(world.sockets).toHaveLength(2);
  });

  it('stops when a refused handshake turns out to be a missing login', async () => {
    const { world, wire } = start();
    world.out = true;
    world.last.onclose?.({ code: 1006 });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(wire.state.getState().link).toBe('not_authenticated');
    world.pass(120_000);
    expect(world.sockets).toHaveLength(1);
  });

  it('waits longer each time, never beyond 9 s, and spreads clients', () => {
    expect([0, 1, 2, 3, 4, 5, 9].map((n) => backoff(n, 0.5))).toEqual([1, 2, 4, 6, 6, 6, 6]);
    expect(backoff(0, 0)).toBe(0.5);
    expect(backoff(9, 1)).toBe(9);
  });

  it('passes on which media connections have ended', () => {
    const { world, wire } = start();
    welcome(world);
    world.last.say({ op: 'gone', viewers: ['m_1:a'], publishers: ['m_1:b'], reason: 'restarted' });
    expect(wire.state.getState().gone).toEqual({ turn: true, viewers: ['m_1:a'], publishers: ['m_1:b'] });
  });

  it('passes on which media connections there are', () => {
    const { world, wire } = start();
    welcome(world);
    expect(wire.state.getState().standing).toBeNull();
    world.last.say({ op: 'standing', viewers: [], publishers: ['m_1:b'] });
    expect(wire.state.getState().standing).toEqual({ viewers: [], publishers: ['m_1:b'] });
  });

  it('keeps what the line of each viewer carries, and forgets it with the connection', () => {
    const { world, wire } = start();
    welcome(world);
    world.last.say({ op: 'quality', viewer: 'm_1:a', step: 'slides', why: 'estimate' });
    world.last.say({ op: 'quality', viewer: 'm_1:b', step: 'low', why: 'loss' });
    world.last.say({ op: 'quality', viewer: 'm_1:a', step: 'high', why: null });
    expect(wire.state.getState().steps).toEqual({ 'm_1:a': 'high', 'm_1:b': 'low' });
    for (let i = 0; i < 50; i++)
      world.last.say({ op: 'quality', viewer: `m_1:${i}`, step: 'low', why: null });
    expect(Object.keys(wire.state.getState().steps).length).toBeLessThan(10);
    welcome(world);
    expect(wire.state.getState().steps).toEqual({});
  });

  it('resolves a command by its ack, rejects by its nack, with the stable code', async () => {
    const { world, wire } = start();
    welcome(world);
    const good = wire.command('hand.raise', 'm_1', {});
    const bad = wire.command('floor.end', 'm_1', { site: 's_1' });
    const [first, second] = world.last.of('cmd');
    expect(second).toMatchObject({ type: 'floor.end', meeting: 'm_1', site: 's_1' });
    world.last.say({ op: 'ack', id: first?.['id'], stream: STREAM, seq: 5 });
    world.last.say({
      op: 'nack',
      id: second?.['id'],
      problem: { code: 'not_speaking', status: 409, title: 'no' },
    });
    await expect(good).resolves.toBe(5);
    await expect(bad.catch(codeOf)).resolves.toBe('not_speaking');
  });

  it('sends a waiting command again after a loss with the same id, but gives up after 8 s', async () => {
    const { world, wire } = start();
    welcome(world);
    const waiting = wire.command('stage.cut', 'm_1', {}).catch(codeOf);
    const id = world.last.of('cmd')[0]?.['id'];
    world.last.onclose?.({ code: 1006 });
    world.pass(1_000);
    welcome(world);
    expect(world.last.of('cmd')[0]?.['id']).toBe(id);
    world.pass(8_000);
    await expect(waiting).resolves.toBe('timeout');
  });

  it('tells who follows a stream that the server refuses it', () => {
    const { world, wire } = start();
    const log = new Log();
    wire.subscribe(STREAM, [], log);
    welcome(world);
    world.last.say({
      op: 'nack',
      stream: STREAM,
      problem: { code: 'meeting_not_found', status: 404, title: '' },
    });
    expect(log.refusals).toBe(1);
  });

  it.each(['busy', 'storage_unavailable', 'internal'])(
    'asks again, later each time and for as long as it takes, when a stream is refused as %s',
    (code) => {
      const { world, wire } = start();
      const log = new Log();
      wire.subscribe(STREAM, ['presence'], log);
      welcome(world);
      const asked = () => world.last.of('sub').length;
      const refuse = () =>
        world.last.say({ op: 'nack', stream: STREAM, problem: { code, status: 503, title: '' } });
      const beat = () => world.last.say({ op: 'beat', heads: {}, now: new Date(world.time).toISOString() });
      for (const [n, seconds] of [1, 2, 4, 6, 6, 6].entries()) {
        refuse();
        beat();
        world.pass(seconds * 1000 - 1);
        expect(asked()).toBe(n + 1);
        world.pass(1);
        expect(asked()).toBe(n + 2);
      }
      expect(world.last.of('sub').at(-1)).toEqual(world.last.of('sub')[0]);
      world.last.say(snap(10));
      expect([log.snaps, log.refusals]).toEqual([[10], 0]);
      // It was answered: the next absence begins with a short wait, spread by chance.
      world.chance = 0;
      refuse();
      world.pass(500);
      expect(asked()).toBe(8);
    },
  );

  it('asks no more for a refused stream that nobody follows, or before a new connection is welcomed', () => {
    const { world, wire } = start();
    const stop = wire.subscribe(STREAM, [], new Log());
    const refuse = () =>
      world.last.say({ op: 'nack', stream: STREAM, problem: { code: 'busy', status: 503, title: '' } });
    welcome(world);
    refuse();
    world.last.onclose?.({ code: 1006 });
    world.pass(2_000);
    expect(world.last.sent).toEqual([]);
    welcome(world);
    expect(world.last.of('sub')).toHaveLength(1);
    refuse();
    stop();
    world.pass(10_000);
    expect(world.last.of('sub')).toHaveLength(1);
  });

  it('refuses commands beyond 64 waiting ones', async () => {
    const { wire } = start();
    const all = Array.from({ length: 65 }, () => wire.command('hand.raise', 'm_1', {}).catch(codeOf));
    await expect(all[64]).resolves.toBe('crowded');
  });

  it('reads nothing into bytes that are not JSON or ops it does not know', () => {
    const { world, wire } = start();
    welcome(world);
    world.last.onmessage?.({ data: '{"op":' });
    world.last.onmessage?.({ data: new ArrayBuffer(4) });
    world.last.say({ op: 'of_a_newer_server' });
    expect(wire.state.getState().link).toBe('open');
  });

  it('asks again when a beat shows that it is behind, and for a snapshot when history went back', () => {
    const { world, wire } = start();
    wire.subscribe(STREAM, [], new Log());
    welcome(world);
    world.last.say(snap(10));
    const beat = (head: number) => world.last.say({ op: 'beat', heads: { [STREAM]: head }, now: '' });
    beat(10);
    expect(world.last.of('sub')).toHaveLength(1);
    beat(12);
    expect(world.last.of('sub').at(-1)).toMatchObject({ since: 10 });
    world.last.say(ev(11));
    world.last.say(ev(12));
    beat(3);
    expect(world.last.of('sub').at(-1)).toMatchObject({ since: null });
  });

  // The server here keeps a log, and the way to the client loses, repeats and cuts at random.
  it.each(Array.from({ length: 40 }, (_, i) => i))(
    'hands on every event once and in order (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const { world, wire } = start();
      const log = new Log();
      wire.subscribe(STREAM, [], log);
      welcome(world);
      let head = 0;
      let answered = 0;
      const serve = () => {
        const subs = world.last.of('sub');
        for (const sub of subs.slice(answered)) {
          const since = sub['since'] as number | null;
          if (since === null || head - since > 6) world.last.say(snap(head));
          else for (let s = since + 1; s <= head; s++) world.last.say(ev(s));
        }
        answered = subs.length;
      };
      serve();
      for (let step = 0; step < 300; step++) {
        const dice = random();
        if (dice < 0.6) {
          head += 1;
          if (random() < 0.8) world.last.say(ev(head));
        } else if (dice < 0.7) world.last.say(ev(Math.max(1, Math.floor(random() * head))));
        else if (dice < 0.75) {
          world.last.onclose?.({ code: 1006 });
          wire.retryNow();
          answered = 0;
          welcome(world);
        } else if (dice < 0.9) {
          world.last.say({ op: 'beat', heads: { [STREAM]: head }, now: '' });
        } else serve();
        const from = log.snaps.at(-1) ?? 0;
        expect(log.seqs).toEqual(log.seqs.map((_, i) => from + 1 + i));
      }
      for (let beats = 0; beats < 4; beats++) {
        world.last.say({ op: 'beat', heads: { [STREAM]: head }, now: '' });
        serve();
      }
      expect((log.snaps.at(-1) ?? 0) + log.seqs.length).toBe(head);
    },
  );
});

describe('a viewer over the wire', () => {
  const answer = {
    viewer: 'm_1:a',
    answer: 'v=0',
    audio_lines: 4,
    video_lines: 4,
    codecs: ['h264'],
    can_show: true,
  };

  function asked(world: FakeWorld): string {
    const frame = world.last.of('viewer').at(-1) as { id: string; meeting: string; offer: string };
    expect(frame).toMatchObject({ meeting: 'm_1', offer: 'v=0 offer', replaces: null });
    return frame.id;
  }

  it('is asked for only over a connection that stands, and answered by its id', async () => {
    const { world, wire } = start();
    expect(wire.openViewer('m_1', 'v=0 offer', null)).toBeNull();
    welcome(world);
    expect(wire.openViewer('m_1', 'x'.repeat(70_000), null)).toBeNull();
    const opening = wire.openViewer('m_1', 'v=0 offer', null);
    world.last.say({ op: 'opened', id: 'another', ...answer, viewer: 'wrong' });
    world.last.say({ op: 'opened', id: asked(world), ...answer });
    await expect(opening).resolves.toMatchObject(answer);
  });

  it('that is refused says why and how long to wait', async () => {
    const { world, wire } = start();
    welcome(world);
    const opening = wire.openViewer('m_1', 'v=0 offer', null);
    const problem = { code: 'queued', status: 503, title: 'x', place: 4, retry_after: 7 };
    world.last.say({ op: 'nack', id: asked(world), problem });
    await expect(opening).rejects.toMatchObject({ code: 'queued', retryAfter: 7 });
  });

  it('fails with the connection, at once, and is not asked for again by the next', async () => {
    const { world, wire } = start();
    welcome(world);
    const opening = wire.openViewer('m_1', 'v=0 offer', null);
    world.last.onclose?.({ code: 1006 });
    await expect(opening).rejects.toMatchObject({ code: 'offline' });
    world.pass(1_500);
    welcome(world);
    expect(world.last.of('viewer')).toEqual([]);
  });

  it('that nobody answers fails after a while', async () => {
    const { world, wire } = start();
    welcome(world);
    const opening = wire.openViewer('m_1', 'v=0 offer', null);
    world.last.say({ op: 'beat', heads: {}, now: new Date(world.time).toISOString() });
    world.pass(14_900);
    world.last.say({ op: 'beat', heads: {}, now: new Date(world.time).toISOString() });
    world.pass(200);
    await expect(opening).rejects.toMatchObject({ code: 'timeout' });
  });
});
