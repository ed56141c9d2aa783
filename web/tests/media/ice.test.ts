import { describe, expect, it } from 'vitest';
import { IceServers } from '../../src/media/ice';

const relay = { urls: ['turns:relay.test:443'], username: '9:s_1', credential: 'x' };

function server(answers: (() => Promise<{ servers: (typeof relay)[]; lifetime_s: number }>)[]) {
  let now = 0;
  let asked = 0;
  const http = {
    iceServers: () => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (!answer) throw new Error('nothing to answer');
      return answer();
    },
  };
  const ice = new IceServers(http, () => now);
  return { ice, asked: () => asked, pass: (ms: number) => (now += ms) };
}

const good = () => Promise.resolve({ servers: [relay], lifetime_s: 1_000 });

describe('the relays', () => {
  it('are asked for once by all who begin together, and again before their credentials expire', async () => {
    const { ice, asked, pass } = server([good]);
    expect(await Promise.all([ice.get(), ice.get()])).toEqual([[relay], [relay]]);
    expect(asked()).toBe(1);
    pass(749_000);
    await ice.get();
    expect(asked()).toBe(1);
    pass(2_000);
    await ice.get();
    expect(asked()).toBe(2);
  });

  it('that came with the welcome are not asked for until they expire', async () => {
    const { ice, asked, pass } = server([good]);
    ice.offer({ servers: [relay], lifetime_s: 1_000 });
    expect(await ice.get()).toEqual([relay]);
    expect(asked()).toBe(0);
    pass(751_000);
    await ice.get();
    expect(asked()).toBe(1);
  });

  it('that cannot be had do not keep a connection from beginning', async () => {
    const { ice, pass } = server([() => Promise.reject(new Error('offline')), good]);
    expect(await ice.get()).toEqual([]);
    expect(await ice.get()).toEqual([relay]);
    pass(2_000_000);
    expect(await ice.get()).toEqual([relay]);
  });
});
