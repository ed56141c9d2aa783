import { describe, expect, it } from 'vitest';
import { heardAt, marksOf, missingPictures, PushToTalk, stepsTo } from '../../src/models/talkback';
import type { Check, Talk, YouTalk } from '../../src/protocol/types';

const talk = (site: string, over: Partial<Talk> = {}): Talk => ({
  id: `tb_${site}`,
  site,
  label: site,
  path: '',
  by: { id: 'p_1', name: 'Bình', title: 'Đạo diễn hình' },
  since: '2021-09-05T01:30:00.000Z',
  speaks: false,
  answers: false,
  muted: false,
  together: false,
  hears: true,
  sends: true,
  tapped: null,
  ...over,
});

describe('push to talk', () => {
  it('is on while the key is held', () => {
    const push = new PushToTalk();
    expect(push.down(0)).toBe('held');
    expect(push.up(2_000)).toBe('off');
  });

  it('stays on after two short presses, and one more ends it', () => {
    const push = new PushToTalk();
    push.down(0);
    expect(push.up(100)).toBe('off');
    push.down(200);
    expect(push.up(300)).toBe('latched');
    expect(push.down(5_000)).toBe('off');
    expect(push.up(5_100)).toBe('off');
  });

  it('does not latch by presses that are long, or far apart', () => {
    const push = new PushToTalk();
    push.down(0);
    push.up(100);
    push.down(200);
    expect(push.up(900)).toBe('off');
    push.down(1_000);
    push.up(1_100);
    push.down(3_000);
    expect(push.up(3_100)).toBe('off');
  });

  it('takes the press that ended a latch for the first of no other', () => {
    const push = new PushToTalk();
    for (const at of [0, 200, 400]) {
      push.down(at);
      push.up(at + 100);
    }
    push.down(600);
    expect(push.up(700)).toBe('off');
  });
});

describe('what is sent for what is wanted', () => {
  it('opens first, then says, and sends nothing twice', () => {
    const wanted = new Map([['s_1', true]]);
    expect(stepsTo(wanted, [], new Set())).toEqual([{ do: 'open', site: 's_1' }]);
    expect(stepsTo(wanted, [], new Set(['s_1']))).toEqual([]);
    expect(stepsTo(wanted, [talk('s_1')], new Set())).toEqual([
      { do: 'say', talk: 'tb_s_1', site: 's_1', on: true },
    ]);
    expect(stepsTo(wanted, [talk('s_1', { speaks: true })], new Set())).toEqual([]);
  });

  it('ends what nobody wants any more, and opens nothing for it', () => {
    const wanted = new Map([
      ['s_1', false],
      ['s_2', false],
    ]);
    expect(stepsTo(wanted, [talk('s_1', { speaks: true })], new Set())).toEqual([
      { do: 'say', talk: 'tb_s_1', site: 's_1', on: false },
    ]);
  });
});

describe('a site that is talked to', () => {
  const you = (over: Partial<YouTalk> = {}): YouTalk => ({
    id: 'tb_1',
    by: { id: 'p_1', name: 'Bình', title: 'Đạo diễn hình' },
    since: '2021-09-05T01:30:00.000Z',
    speaks: false,
    answers: false,
    together: false,
    clear: null,
    ...over,
  });

  it('knows by whom, each once, and whether anybody speaks', () => {
    expect(heardAt([])).toEqual({ names: [], speaks: false, answers: false });
    expect(heardAt([you(), you({ id: 'tb_2', speaks: true })])).toEqual({
      names: ['Đạo diễn hình Bình'],
      speaks: true,
      answers: false,
    });
  });
});

describe('the marks of who comes next', () => {
  const check = (over: Partial<Check> = {}): Check => ({
    since: '2021-09-05T01:30:00.000Z',
    picture: false,
    voice: null,
    ...over,
  });

  it('say what the machine has seen, and nothing of who is not lined up', () => {
    const voice = { at: '2021-09-05T01:31:00.000Z', dbov: -30 };
    const checks = { s_1: check({ picture: true, voice }), s_2: check() };
    expect(marksOf(checks, 's_1')).toMatchObject({ picture: true, voice: true });
    expect(marksOf(checks, 's_2')).toMatchObject({ picture: false, voice: false });
    expect(marksOf(checks, 's_3')).toBe('unknown');
  });

  it('warn of a preview without a picture', () => {
    const checks = { s_1: check({ picture: true }), s_2: check() };
    expect(missingPictures(['s_1', 's_2', null, 's_3'], checks)).toEqual(['s_2']);
  });
});
