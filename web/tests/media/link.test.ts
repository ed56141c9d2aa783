import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MediaLink } from '../../src/media/link';

class FakePeer {
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  closed = false;

  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }
}

/** A link whose answer comes at once. */
class Link extends MediaLink {
  readonly made: FakePeer[] = [];
  readonly downs: string[] = [];
  ups = 0;
  wanted = true;

  start(): void {
    this.openNow();
  }

  get last(): FakePeer {
    const peer = this.made.at(-1);
    if (!peer) throw new Error('nothing was opened');
    return peer;
  }

  protected wants(): boolean {
    return this.wanted;
  }

  protected open(): Promise<void> {
    const [pc] = this.begin();
    this.made.push(pc as unknown as FakePeer);
    this.name = `m:${String(this.made.length)}`;
    this.expect(pc);
    return Promise.resolve();
  }

  protected connected(): void {
    this.ups += 1;
  }

  protected down(why: string): void {
    this.downs.push(why);
  }
}

function up(): Link {
  const link = new Link();
  link.start();
  link.last.become('connected');
  return link;
}

describe('a media link', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('RTCPeerConnection', FakePeer);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is replaced within 3 s when the server says that it has gone, whoever else has', () => {
    const link = up();
    link.gone(['m:7']);
    expect(link.downs).toEqual([]);
    link.gone(['m:7', 'm:1']);
    expect(link.downs).toEqual(['gone']);
    expect(link.last.closed).toBe(true);
    vi.advanceTimersByTime(3_000);
    expect(link.made).toHaveLength(2);
    link.last.become('connected');
    expect(link.ups).toBe(2);
  });

  it('is replaced when it is not among those that stand, and left alone when it is', () => {
    const link = up();
    link.standing(['m:1', 'm:7']);
    expect(link.downs).toEqual([]);
    link.standing([]);
    expect(link.downs).toEqual(['gone']);
    // Said again while the next one is awaited: nothing starts over.
    vi.advanceTimersByTime(900);
    link.standing([]);
    vi.advanceTimersByTime(2_100);
    expect(link.made).toHaveLength(2);
    link.standing(['m:2']);
    expect(link.downs).toEqual(['gone']);
  });

  it('has a moment to come back from silence, then is replaced', () => {
    const link = up();
    link.last.become('disconnected');
    vi.advanceTimersByTime(1_000);
    link.last.become('connected');
    vi.advanceTimersByTime(60_000);
    expect(link.made).toHaveLength(1);
    link.last.become('disconnected');
    vi.advanceTimersByTime(2_000 + 1_500);
    expect(link.downs).toEqual(['silent']);
    expect(link.made).toHaveLength(2);
  });

  it('gives up a connection that does not come about', () => {
    const link = new Link();
    link.start();
    vi.advanceTimersByTime(12_000);
    expect(link.downs).toEqual(['slow']);
    vi.advanceTimersByTime(1_500);
    expect(link.made).toHaveLength(2);
  });

  it('starts afresh on request only when it is wanted and not connected', () => {
    const link = up();
    link.retryNow();
    expect(link.made).toHaveLength(1);
    link.last.become('failed');
    link.wanted = false;
    link.retryNow();
    expect(link.made).toHaveLength(1);
    link.wanted = true;
    link.retryNow();
    expect(link.made).toHaveLength(2);
    vi.advanceTimersByTime(1_500);
    expect(link.made).toHaveLength(2);
  });

  it('waits for its turn when a crowd comes back, and comes by itself should none be told', () => {
    const link = up();
    link.gone(['m:1'], false);
    vi.advanceTimersByTime(60_000);
    expect(link.made).toHaveLength(1);
    link.turn();
    expect(link.made).toHaveLength(2);
    link.last.become('connected');
    link.turn();
    expect(link.made).toHaveLength(2);
    link.gone(['m:2'], false);
    vi.advanceTimersByTime(121_000);
    expect(link.made).toHaveLength(3);
  });
});
