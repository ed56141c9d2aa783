import { describe, expect, it } from 'vitest';
import { Devices } from '../../src/media/devices';

type Kind = 'video' | 'audio';

class FakeTrack {
  stopped = false;
  onended: (() => void) | null = null;
  contentHint = '';

  constructor(
    readonly kind: Kind,
    readonly id: string,
  ) {}

  stop(): void {
    this.stopped = true;
  }
}

interface Question {
  asked: Record<Kind, string | null>;
  allow(): void;
  refuse(name: string): void;
}

/** A browser that opens nothing until the test says so, as one does that asks its user first. */
class FakeMedia {
  readonly questions: Question[] = [];
  readonly tracks: FakeTrack[] = [];
  /** Set: the list of devices is not answered before this is called. */
  holdList = false;
  listed: (() => void) | null = null;

  addEventListener(): void {
    // Nothing is plugged in or out here.
  }

  enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return new Promise((resolve) => {
      this.listed = () => resolve([]);
      if (!this.holdList) this.listed();
    });
  }

  getUserMedia(wanted: MediaStreamConstraints): Promise<MediaStream> {
    const id = (kind: Kind): string | null => {
      const asked = wanted[kind];
      if (typeof asked !== 'object') return null;
      return (asked.deviceId as { exact: string } | undefined)?.exact ?? 'any';
    };
    const asked = { video: id('video'), audio: id('audio') };
    return new Promise((resolve, reject) => {
      this.questions.push({
        asked,
        allow: () => {
          const opened: FakeTrack[] = [];
          for (const kind of ['audio', 'video'] as const)
            if (asked[kind] !== null) opened.push(new FakeTrack(kind, asked[kind]));
          this.tracks.push(...opened);
          resolve({ getTracks: () => opened } as unknown as MediaStream);
        },
        refuse: (name) => reject(new DOMException('', name)),
      });
    });
  }

  question(n: number): Question {
    const question = this.questions[n];
    if (!question) throw new Error(`question ${n} was never asked`);
    return question;
  }

  /** Those whose lamps are on. */
  get running(): string[] {
    return this.tracks.filter((t) => !t.stopped).map((t) => `${t.kind} ${t.id}`);
  }
}

/** Lets everything that waits for nothing but promises happen. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

function make() {
  localStorage.clear();
  const media = new FakeMedia();
  const devices = new Devices(localStorage, media as unknown as MediaDevices);
  return { media, devices, state: () => devices.store.getState() };
}

describe('camera and microphone', () => {
  it('are opened with one question and held', async () => {
    const { media, devices, state } = make();
    const opened = devices.open();
    media.question(0).allow();
    await opened;
    await devices.open();
    expect(media.questions).toHaveLength(1);
    expect(state()).toMatchObject({ camera: 'ok', mic: 'ok' });
    devices.close();
    expect(media.running).toEqual([]);
  });

  it('are asked for alone when together they fail, once each', async () => {
    const { media, devices, state } = make();
    const opened = devices.open();
    media.question(0).refuse('NotFoundError');
    await settle();
    media.question(1).allow();
    await settle();
    media.question(2).refuse('NotFoundError');
    await opened;
    expect(media.questions.map((q) => [q.asked.audio, q.asked.video])).toEqual([
      ['any', 'any'],
      ['any', null],
      [null, 'any'],
    ]);
    expect(state()).toMatchObject({ camera: 'none', mic: 'ok' });
  });

  it('do not stay open in a page that stood down while the browser was asking', async () => {
    const { media, devices, state } = make();
    const opened = devices.open();
    devices.close();
    media.question(0).allow();
    await opened;
    expect(media.running).toEqual([]);
    expect(state()).toMatchObject({ camera: 'off', mic: 'off', video: null, audio: null });
    expect(media.questions).toHaveLength(1);
  });

  it('are not asked for any more, nor at fault, when the page stood down before it was refused', async () => {
    const { media, devices, state } = make();
    const opened = devices.open();
    media.question(0).refuse('NotReadableError');
    await settle();
    devices.close();
    media.question(1).refuse('NotAllowedError');
    await opened;
    expect(media.questions).toHaveLength(2);
    expect(state()).toMatchObject({ camera: 'off', mic: 'off' });
  });

  it('open after all when the page takes over again before the old answer comes', async () => {
    const { media, devices, state } = make();
    void devices.open();
    devices.close();
    const opened = devices.open();
    media.question(0).allow();
    await settle();
    expect(media.running).toEqual([]);
    media.question(1).allow();
    await opened;
    expect(media.running).toEqual(['audio any', 'video any']);
    expect(state()).toMatchObject({ camera: 'ok', mic: 'ok' });
  });

  it('leave the camera dark, and the microphone open, when it is switched off while it opens', async () => {
    const { media, devices, state } = make();
    const opened = devices.open();
    await devices.setCamera(false);
    media.question(0).allow();
    await opened;
    expect(media.running).toEqual(['audio any']);
    expect(state()).toMatchObject({ camera: 'off', mic: 'ok', video: null });
    const again = devices.setCamera(true);
    media.question(1).allow();
    await again;
    expect(media.running).toEqual(['audio any', 'video any']);
  });

  it('are the ones chosen last, also when chosen while others open', async () => {
    const { media, devices, state } = make();
    void devices.open();
    const chosen = devices.choose('camera', 'second');
    media.question(0).allow();
    await settle();
    media.question(1).allow();
    await chosen;
    expect(media.questions.map((q) => q.asked.video)).toEqual(['any', 'second']);
    expect(media.running).toEqual(['audio any', 'video second']);
    expect(state().video).toBe(media.tracks.at(-1));
  });

  it('are the ones chosen last, also when chosen while the list of devices is read', async () => {
    const { media, devices } = make();
    media.holdList = true;
    void devices.open();
    media.question(0).allow();
    await settle();
    const chosen = devices.choose('mic', 'second');
    media.holdList = false;
    media.listed?.();
    await settle();
    media.question(1).allow();
    await chosen;
    expect(media.running).toEqual(['video any', 'audio second']);
  });

  it('fall back to any when the chosen one is gone, but not over a newer choice', async () => {
    const { media, devices } = make();
    await devices.setCamera(false);
    void devices.choose('mic', 'gone');
    media.question(0).refuse('OverconstrainedError');
    await settle();
    expect(media.question(1).asked.audio).toBe('any');
    const chosen = devices.choose('mic', 'third');
    media.question(1).refuse('OverconstrainedError');
    await settle();
    media.question(2).allow();
    await chosen;
    expect(media.running).toEqual(['audio third']);
  });

  it('leave the camera closed until it is kept open, and then ask for it alone', async () => {
    const { media, devices, state } = make();
    await devices.keepCamera(false);
    const opened = devices.open();
    media.question(0).allow();
    await opened;
    expect(media.running).toEqual(['audio any']);
    const kept = devices.keepCamera(true);
    media.question(1).allow();
    await kept;
    expect(media.running).toEqual(['audio any', 'video any']);
    await devices.keepCamera(false);
    expect(media.running).toEqual(['audio any']);
    expect(state()).toMatchObject({ camera: 'off', mic: 'ok' });
  });

  it('are not opened by a camera that is kept before the one tap', async () => {
    const { media, devices } = make();
    await devices.keepCamera(false);
    await devices.keepCamera(true);
    expect(media.questions).toEqual([]);
  });
});
