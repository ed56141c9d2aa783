import { describe, expect, it } from 'vitest';
import { MeetingModel } from '../../src/models/live';
import { Acknowledger } from '../../src/models/receipts';
import { Failure } from '../../src/protocol/failure';
import type { Message } from '../../src/protocol/types';
import { FakeWorld } from '../protocol/fakes';
import { openMeeting } from './states';

const message = (id: string, over: Partial<Message> = {}): Message => ({
  n: 1,
  id,
  at: '2021-09-05T02:00:00.000Z',
  from: { kind: 'person', id: 'p_1', name: 'Bình' },
  to: 'all',
  text: 'x',
  ask: false,
  ...over,
});

/** A server that takes or refuses what a page acknowledges. */
function page() {
  const world = new FakeWorld();
  const sent: string[][] = [];
  const refusals: string[] = [];
  const acknowledger = new Acknowledger({
    after: (ms, run) => world.after(ms, run),
    random: () => world.chance,
    send: (ids) => {
      sent.push(ids);
      const code = refusals.shift();
      if (code === undefined) return Promise.resolve();
      return Promise.reject(new Failure({ code, status: 503, title: code }));
    },
  });
  /** Time goes on, and what was begun in it is done. */
  const pass = async (ms: number) => {
    world.pass(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { world, sent, refusals, acknowledger, pass };
}

describe('a page that acknowledges', () => {
  it('says once of each message for it that it is here, those that came together in one command', async () => {
    const { acknowledger, sent, pass } = page();
    const all = [
      message('t_1'),
      message('t_2', { to: 's_1' }),
      message('t_3', { to: 's_2' }),
      message('t_4', { to: 'desk', from: { kind: 'site', id: 's_1', name: 'Một' } }),
    ];
    acknowledger.shown(all.slice(0, 1), 's_1');
    await pass(100);
    acknowledger.shown(all, 's_1');
    await pass(10_000);
    acknowledger.shown(all, 's_1');
    await pass(10_000);
    expect(sent).toEqual([['t_1', 't_2']]);
  });

  it('says it of its own message within 100 ms, of one to all up to 400 ms later', async () => {
    const { acknowledger, sent, pass } = page();
    acknowledger.shown([message('t_1', { to: 's_1' })], 's_1');
    await pass(100);
    expect(sent).toEqual([['t_1']]);
    acknowledger.shown([message('t_2')], 's_1');
    await pass(299);
    expect(sent).toHaveLength(1);
    await pass(1);
    expect(sent[1]).toEqual(['t_2']);
  });

  it('says it of two hundred in commands of a hundred', async () => {
    const { acknowledger, sent, pass } = page();
    acknowledger.shown(
      Array.from({ length: 200 }, (_, i) => message(`t_${i}`)),
      's_1',
    );
    await pass(2_000);
    expect(sent.map((ids) => ids.length)).toEqual([100, 100]);
    expect(new Set(sent.flat()).size).toBe(200);
  });

  it.each(['busy', 'timeout', 'too_many_requests', 'not_in_meeting', 'storage_unavailable'])(
    'says again later what was refused for the moment: %s',
    async (code) => {
      const { acknowledger, sent, refusals, pass } = page();
      refusals.push(code);
      acknowledger.shown([message('t_1')], 's_1');
      await pass(1_200);
      expect(sent).toEqual([['t_1']]);
      await pass(4_500);
      expect(sent).toEqual([['t_1'], ['t_1']]);
      await pass(60_000);
      expect(sent).toHaveLength(2);
    },
  );

  it('does not insist on what the server does not know', async () => {
    const { acknowledger, sent, refusals, pass } = page();
    refusals.push('message_not_found');
    acknowledger.shown([message('t_1')], 's_1');
    await pass(60_000);
    expect(sent).toHaveLength(1);
  });

  it('forgets what waits when it leaves the meeting', async () => {
    const { acknowledger, sent, refusals, pass } = page();
    acknowledger.shown([message('t_1')], 's_1');
    acknowledger.reset();
    await pass(60_000);
    expect(sent).toEqual([]);
    refusals.push('busy');
    acknowledger.shown([message('t_1')], 's_1');
    await pass(1_200);
    acknowledger.reset();
    await pass(60_000);
    expect(sent).toHaveLength(1);
  });
});

describe('figures of receipts', () => {
  const told = (id: string, got: number) => ({
    topic: 'receipts' as const,
    data: { messages: { [id]: { got, answered: 0, of: 3 } } },
  });

  it('are kept by message, the latest wins, and go with the message', () => {
    const model = new MeetingModel();
    model.snap(openMeeting({ messages: [message('t_1'), message('t_2')] }));
    model.eph(told('t_1', 1));
    model.eph(told('t_2', 2));
    model.eph(told('t_1', 3));
    expect(model.store.getState().receipts).toEqual({
      t_1: { got: 3, answered: 0, of: 3 },
      t_2: { got: 2, answered: 0, of: 3 },
    });
    model.snap(openMeeting({ messages: [message('t_2')] }));
    model.eph(told('t_2', 3));
    expect(Object.keys(model.store.getState().receipts)).toEqual(['t_2']);
  });
});
