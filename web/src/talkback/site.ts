import type { IceServers } from '../media/ice';
import { Sound, testTone } from '../media/sound';
import { Viewer } from '../media/viewer';
import { heardAt } from '../models/talkback';
import type { Wire } from '../protocol/socket';
import type { Codec, YouTalk } from '../protocol/types';
import { earsOf } from '../protocol/viewers';

const AUDIO_LINES = 4;

/** The site's end of private words: an ear of its own, beside what the meeting is heard by. */
export class TalkSite {
  readonly ear: Viewer;
  readonly sound = new Sound();
  private known: ReadonlySet<string> = new Set();

  constructor(
    wire: Wire,
    ice: IceServers,
    /** What the meeting is heard by: dimmed while an operator speaks. */
    private readonly programme: Sound,
    private readonly sink: () => string | null,
  ) {
    this.ear = new Viewer(earsOf(wire), ice, AUDIO_LINES, 0);
  }

  follow(talks: readonly YouTalk[], meeting: string | null, codec: Codec): void {
    const fresh = talks.some((t) => !this.known.has(t.id));
    this.known = new Set(talks.map((t) => t.id));
    if (talks.length > 0 && meeting !== null) this.ear.watch(meeting, codec);
    else this.ear.stop();
    this.programme.setDim(heardAt(talks).speaks);
    if (fresh) this.notice();
  }

  stop(): void {
    this.known = new Set();
    this.ear.stop();
    this.programme.setDim(false);
    this.sound.disarm();
  }

  /** A tone where the page may be heard, else what the machine can do without. */
  private notice(): void {
    if (this.programme.store.getState().armed) void testTone(this.sink());
    else if ('vibrate' in navigator) navigator.vibrate([200, 100, 200]);
  }
}
