import { describe, expect, it, vi } from 'vitest';
import { Pins } from '../../src/desk/pins';

const settled = () => new Promise((done) => setTimeout(done, 0));

describe('pins of the preview', () => {
  it('tell the server only what changed, again for a new viewer', async () => {
    const pin = vi.fn(() => Promise.resolve());
    const pins = new Pins({ pin }, 4);
    pins.use('v_1');
    pins.want(['s_1']);
    await settled();
    pins.want(['s_1', 's_2']);
    await settled();
    expect(pin.mock.calls).toEqual([
      ['v_1', 4, 's_1', 'high'],
      ['v_1', 5, 's_2', 'low'],
    ]);
    pins.use('v_2');
    await settled();
    expect(pin.mock.calls.slice(2).map((c: unknown[]) => c.slice(0, 3))).toEqual([
      ['v_2', 4, 's_1'],
      ['v_2', 5, 's_2'],
    ]);
  });

  it('take a pin away when its slot is empty', async () => {
    const pin = vi.fn(() => Promise.resolve());
    const pins = new Pins({ pin }, 4);
    pins.use('v_1');
    pins.want(['s_1', 's_2']);
    await settled();
    pins.want(['s_1']);
    await settled();
    expect(pin.mock.calls.at(-1)).toEqual(['v_1', 5, null, 'high']);
  });

  it('try again what failed, with the latest wish', async () => {
    vi.useFakeTimers();
    const pin = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('busy')).mockResolvedValue();
    const pins = new Pins({ pin }, 4);
    pins.use('v_1');
    pins.want(['s_1']);
    await vi.advanceTimersByTimeAsync(10);
    pins.want(['s_2']);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(pin.mock.calls.at(-1)).toEqual(['v_1', 4, 's_2', 'high']);
    vi.useRealTimers();
  });
});
