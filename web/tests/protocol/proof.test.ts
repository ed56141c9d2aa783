import { beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/protocol/failure';
import { Wire } from '../../src/protocol/socket';
import { FakeWorld } from './fakes';

/** A site's page: it needs a session before it connects, and answers a challenge. */
class SiteWorld extends FakeWorld {
  readonly prepared: boolean[] = [];
  refuse: Failure | null = null;
  device = {
    prepare: (fresh: boolean) => {
      this.prepared.push(fresh);
      return this.refuse === null ? Promise.resolve() : Promise.reject(this.refuse);
    },
    prove: (nonce: string) => Promise.resolve(`signed ${nonce}`),
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('the wire of a site', () => {
  let world: SiteWorld;
  let wire: Wire;
  const link = () => wire.state.getState().link;

  beforeEach(async () => {
    world = new SiteWorld();
    wire = new Wire('ws://x/api/v1/ws', 'site', 'tab-1', world);
    wire.start();
    wire.start();
    await settled();
  });

  async function enter(): Promise<void> {
    world.last.onopen?.();
    world.last.say({ op: 'challenge', nonce: 'n1' });
    await settled();
    const now = new Date(world.time).toISOString();
    world.last.say({ op: 'welcome', who: { id: 's_1', csrf: 'c' }, beat_s: 5, server: '0', now, you: null });
  }

  it('has a session before it connects, and says hello with the proof of its key', async () => {
    expect(world.prepared).toEqual([false]);
    await enter();
    expect(world.last.sent[0]).toEqual({
      op: 'hello',
      proto: 1,
      page: 'site',
      tab: 'tab-1',
      proof: 'signed n1',
    });
    expect(link()).toBe('open');
  });

  it('proves it again for every connection', async () => {
    await enter();
    world.last.onclose?.({ code: 1006 });
    world.pass(2_000);
    await settled();
    world.last.onopen?.();
    world.last.say({ op: 'challenge', nonce: 'n2' });
    await settled();
    expect(world.last.of('hello')[0]?.['proof']).toBe('signed n2');
  });

  it('renews a session that the server does not take, once', async () => {
    world.last.onclose?.({ code: 4001, reason: 'not_authenticated' });
    await settled();
    expect(world.prepared).toEqual([false, true]);
    world.last.onclose?.({ code: 4001, reason: 'not_authenticated' });
    expect(link()).toBe('not_authenticated');
  });

  it('does not ask again when its device has ended', () => {
    world.last.onclose?.({ code: 4001, reason: 'device_ended' });
    expect(link()).toBe('not_authenticated');
    expect(world.prepared).toEqual([false]);
  });

  it('stands down for another machine with its key, and takes over only when its clerk says so', async () => {
    await enter();
    world.last.onclose?.({ code: 4003, reason: 'device_conflict' });
    expect(wire.state.getState()).toMatchObject({ link: 'replaced', conflict: true });
    world.pass(60_000);
    await settled();
    expect(world.sockets).toHaveLength(1);
    wire.retryNow();
    await settled();
    expect(world.prepared).toEqual([false, true]);
    await enter();
    expect(wire.state.getState()).toMatchObject({ link: 'open', conflict: false });
  });

  it.each(['device_ended', 'not_authenticated', 'insecure', 'storage_refused'])(
    'is no site without a session (%s)',
    async (code) => {
      world.refuse = new Failure({ code, status: 401, title: '' });
      world.last.onclose?.({ code: 1006 });
      world.pass(2_000);
      await settled();
      expect(link()).toBe('not_authenticated');
    },
  );

  it('waits for a server that does not answer', async () => {
    world.refuse = Failure.local('offline', '');
    world.last.onclose?.({ code: 1006 });
    world.pass(2_000);
    await settled();
    expect(link()).toBe('waiting');
    world.refuse = null;
    world.pass(10_000);
    await settled();
    await enter();
    expect(link()).toBe('open');
  });

  it('says hello without a proof when no challenge comes: the refusal tells why', () => {
    world.last.onopen?.();
    expect(world.last.sent).toEqual([]);
    world.pass(3_100);
    expect(world.last.of('hello')).toHaveLength(1);
  });

  it('tells how its page is, and after a reconnect again when it is hidden', async () => {
    wire.page(true);
    await enter();
    expect(world.last.of('page')).toEqual([{ op: 'page', hidden: true }]);
    wire.page(false, 95);
    expect(world.last.of('page')[1]).toEqual({ op: 'page', hidden: false, slept_s: 95 });
  });

  it('connects no more once it was stopped', async () => {
    world.last.onclose?.({ code: 1006 });
    world.pass(2_000);
    wire.stop();
    await settled();
    expect(world.sockets).toHaveLength(1);
  });
});
