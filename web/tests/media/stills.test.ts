import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stills } from '../../src/media/stills';
import type { Picture } from '../../src/protocol/http';

describe('stills of the wall', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    let urls = 0;
    vi.spyOn(URL, 'createObjectURL').mockImplementation(() => `blob:${++urls}`);
    vi.spyOn(URL, 'revokeObjectURL').mockImplementation(() => undefined);
  });
  afterEach(() => vi.useRealTimers());

  const picture = (at: number): Picture => ({ blob: new Blob(['x']), at, etag: `e${at}` });

  it('fetches what is looked at, at most six at once, and says when it came', async () => {
    let flying = 0;
    let most = 0;
    const snapshot = vi.fn(async () => {
      most = Math.max(most, ++flying);
      await new Promise((done) => setTimeout(done, 100));
      flying -= 1;
      return picture(5);
    });
    const stills = new Stills({ snapshot });
    stills.start();
    const changed = vi.fn();
    for (let i = 0; i < 30; i++) stills.watch(`s_${i}`, changed);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(most).toBe(6);
    expect(changed).toHaveBeenCalledTimes(30);
    expect(stills.get('s_29').at).toBe(5);
    stills.stop();
  });

  it('asks again with its ETag, keeps the picture when nothing changed, and stops when nobody looks', async () => {
    const snapshot = vi
      .fn<(site: string, etag: string | null) => Promise<Picture | 'same' | null>>()
      .mockResolvedValueOnce(picture(1))
      .mockResolvedValue('same');
    const stills = new Stills({ snapshot });
    stills.start();
    const leave = stills.watch('s_1', () => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(snapshot).toHaveBeenLastCalledWith('s_1', 'e1');
    expect(stills.get('s_1').at).toBe(1);
    leave();
    const asked = snapshot.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(snapshot).toHaveBeenCalledTimes(asked);
    stills.stop();
  });

  it('forgets the longest unseen beyond 600, never what is looked at', async () => {
    const snapshot = vi.fn(() => Promise.resolve(picture(1)));
    const stills = new Stills({ snapshot });
    stills.start();
    stills.watch('kept', () => undefined);
    await vi.advanceTimersByTimeAsync(600);
    for (let i = 0; i < 700; i++) {
      const leave = stills.watch(`s_${i}`, () => undefined);
      await vi.advanceTimersByTimeAsync(1);
      leave();
    }
    expect(stills.get('kept').url).not.toBeNull();
    expect(stills.get('s_0').url).toBeNull();
    expect(stills.get('s_699').url).not.toBeNull();
    stills.stop();
  });
});
