import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PictureFeed, type PicturesQuestion } from '../../src/media/pictureFeed';
import { Failure } from '../../src/protocol/failure';
import { readPictures, type PicturesAnswer } from '../../src/protocol/pictures';

/** A server with pictures: what it is asked, and the bytes that it answers. */
class Fake {
  run = 'r1';
  questions: PicturesQuestion[] = [];
  fail: Failure | null = null;
  private number = 0;
  private readonly pictures = new Map<string, { number: number; size: number }>();

  post(site: string, size = 1000): void {
    this.pictures.delete(site);
    this.pictures.set(site, { number: ++this.number, size });
  }

  restart(): void {
    this.run = 'r2';
    this.pictures.clear();
    this.number = 0;
  }

  ask = (question: PicturesQuestion): Promise<PicturesAnswer> => {
    this.questions.push(question);
    if (this.fail !== null) return Promise.reject(this.fail);
    const since = question.run === this.run ? question.since : 0;
    const news = [...this.pictures].filter(([, p]) => p.number > since);
    let left = question.most;
    let full = false;
    const sent: [string, number, number, number][] = [];
    for (const [site, have] of question.wanted) {
      const p = this.pictures.get(site);
      if (p === undefined || (question.run === this.run && p.number <= have)) continue;
      if (p.size > left) {
        full = true;
        break;
      }
      left -= p.size;
      sent.push([site, p.number, p.number * 1000, p.size]);
    }
    const head = new TextEncoder().encode(
      JSON.stringify({
        run: this.run,
        next: Math.max(since, ...news.map(([, p]) => p.number)),
        more: false,
        news: news.map(([site, p]) => [site, p.number, p.number * 1000]),
        pictures: sent,
        full,
        rate: 0,
        now: 0,
      }),
    );
    const bytes = new Uint8Array(4 + head.length + sent.reduce((sum, [, , , size]) => sum + size, 0));
    new DataView(bytes.buffer).setUint32(0, head.length);
    bytes.set(head, 4);
    return Promise.resolve(readPictures(bytes.buffer));
  };
}

describe('the feed of pictures', () => {
  let server: Fake;
  let feed: PictureFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Fake();
    feed = new PictureFeed(
      server.ask,
      { kbits: 4000, size: 'small' },
      () => Date.now(),
      () => false,
    );
  });
  afterEach(() => {
    feed.stop();
    vi.useRealTimers();
  });

  it('brings what is looked at and what is kept, tells when, and asks for nothing twice', async () => {
    for (let i = 0; i < 30; i++) server.post(`s_${i}`);
    feed.keep(Array.from({ length: 20 }, (_, i) => `s_${i}`));
    feed.start();
    const changed = vi.fn();
    feed.watch('s_25', changed);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(feed.get('s_25').url).not.toBeNull();
    expect(feed.takenAt('s_3')).toBe(4_000);
    expect(feed.takenAt('s_28')).toBeNull();
    expect(changed).toHaveBeenCalledTimes(1);
    expect(feed.store.getState()).toMatchObject({ held: 21, behind: 0, trouble: null });
    const before = server.questions.length;
    await vi.advanceTimersByTimeAsync(10_000);
    for (const question of server.questions.slice(before)) expect(question.wanted).toEqual([]);
    server.post('s_25');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it('draws only what is looked at: the picture itself as a URL, gone when nobody looks', async () => {
    server.post('s_1');
    feed.keep(['s_1']);
    feed.start();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(feed.get('s_1')).toEqual({ url: null, at: 1_000 });
    const leave = feed.watch('s_1', () => undefined);
    const [kind, content] = feed.get('s_1').url?.split(',') ?? [];
    expect(kind).toBe('data:image/jpeg;base64');
    expect(atob(content ?? '')).toHaveLength(1_000);
    leave();
    expect(feed.get('s_1')).toEqual({ url: null, at: 1_000 });
  });

  it('asks by name for what it did not keep, once, also where there is nothing', async () => {
    server.post('s_1');
    feed.start();
    await vi.advanceTimersByTimeAsync(2_000);
    feed.watch('s_1', () => undefined);
    feed.watch('s_nothing', () => undefined);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(feed.get('s_1').url).not.toBeNull();
    const named = server.questions.filter((q) => q.wanted.some(([site]) => site === 's_nothing'));
    expect(named).toHaveLength(1);
  });

  it('keeps its pictures over a restart of the server and takes the new ones', async () => {
    server.post('s_1');
    server.post('s_2');
    feed.keep(['s_1', 's_2']);
    feed.start();
    await vi.advanceTimersByTimeAsync(4_000);
    server.restart();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(feed.takenAt('s_2')).toBe(2_000);
    server.post('s_2');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(feed.takenAt('s_2')).toBe(1_000);
    expect(feed.takenAt('s_1')).toBe(1_000);
  });

  it('says what is wrong, waits, and comes back', async () => {
    server.fail = Failure.local('offline', 'away');
    feed.start();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(feed.store.getState().trouble).toBe('offline');
    expect(server.questions).toHaveLength(1);
    server.fail = null;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(feed.store.getState().trouble).toBeNull();
  });

  it('never takes more than its budget while ten thousand wait', async () => {
    for (let i = 0; i < 10_000; i++) server.post(`s_${i}`, 8_000);
    feed.setBudget(2_000);
    feed.keep(Array.from({ length: 10_000 }, (_, i) => `s_${i}`));
    feed.start();
    await vi.advanceTimersByTimeAsync(20_000);
    const { held } = feed.store.getState();
    expect(held * 8_000).toBeLessThanOrEqual(250_000 * 22);
    expect(held * 8_000).toBeGreaterThan(250_000 * 14);
  });
});
