import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fitting, SlideStills, type Shot } from '../../src/slides/stills';

const SHOT: Shot = { source: document.createElement('canvas'), width: 1280, height: 720 };
const take = () => Promise.resolve(SHOT);
const blob = (size: number) => new Blob([new Uint8Array(size)]);

describe('stills of what is presented', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const made = () => {
    const post = vi.fn((meeting: string) => Promise.resolve(meeting).then(() => undefined));
    const stills = new SlideStills(post, () => Promise.resolve(blob(10)));
    return { post, stills, posted: () => post.mock.calls.map(([meeting]) => meeting) };
  };

  it('are posted only while the stage of a meeting shows it', async () => {
    const { stills, posted } = made();
    stills.show(take, 4_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(posted()).toEqual([]);
    stills.run('m_1');
    await vi.advanceTimersByTimeAsync(0);
    expect(posted()).toEqual(['m_1']);
    await vi.advanceTimersByTimeAsync(4_100);
    expect(posted()).toHaveLength(2);
    stills.run(null);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(posted()).toHaveLength(2);
  });

  it('follow a page that is turned, and quick turns are one post', async () => {
    const { stills, posted } = made();
    stills.show(take, 30_000);
    stills.run('m_1');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(posted()).toHaveLength(1);
    stills.changed();
    await vi.advanceTimersByTimeAsync(0);
    expect(posted()).toHaveLength(2);
    for (let i = 0; i < 5; i++) stills.changed();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(posted()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(posted()).toHaveLength(3);
  });

  it('are tried again after a post that failed, and one turned meanwhile is not lost', async () => {
    const { stills, post } = made();
    let fail: (error: Error) => void = () => undefined;
    post.mockImplementationOnce(() => new Promise((_, reject) => (fail = reject)));
    stills.show(take, 30_000);
    stills.run('m_1');
    await vi.advanceTimersByTimeAsync(0);
    stills.changed();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(post).toHaveBeenCalledTimes(1);
    fail(new Error('offline'));
    await vi.advanceTimersByTimeAsync(0);
    expect(post).toHaveBeenCalledTimes(2);
  });

  it('are as sharp as fits a weak line', async () => {
    const tried: [number, number][] = [];
    const encode = (sizes: number[]) => (_: Shot, width: number, quality: number) => {
      tried.push([width, quality]);
      return Promise.resolve(blob(sizes[tried.length - 1] ?? 0));
    };
    expect((await fitting(SHOT, encode([30_000])))?.size).toBe(30_000);
    expect(tried.splice(0)).toEqual([[960, 0.6]]);
    expect((await fitting(SHOT, encode([90_000, 60_000, 25_000])))?.size).toBe(25_000);
    expect(tried.splice(0)).toHaveLength(3);
    expect((await fitting(SHOT, encode([90_000, 80_000, 70_000, 60_000])))?.size).toBe(60_000);
  });
});
