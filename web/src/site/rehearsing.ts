import { PictureReader, judgeCamera, type Glimpse } from '../media/selftest/camera';
import { Witness, type Witnessed } from '../media/rehearsal/witness';
import type { RehearsalFault, RehearsalSays } from '../protocol/types';

const SPREAD_MS = 800;
const GLIMPSE_MS = 150;
const GLIMPSES = 12;

/** What this page is to know of itself. */
export interface RehearsingWorld {
  lines(): { video: MediaStream | null; audio: readonly MediaStream[]; armed: boolean };
  camera(): MediaStreamTrack | null;
  fault(): RehearsalFault | null;
  say(frame: RehearsalSays): void;
}

/** This page's part in a rehearsal: it says what it decodes, and how its own camera looks. Nobody presses anything. */
export class Rehearsing {
  private witness: Witness | null = null;
  private glimpsing: ReturnType<typeof setInterval> | null = null;
  private told: RehearsalFault | null = null;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(private readonly world: RehearsingWorld) {}

  /** `watching`: there is still something to see or to hear; `speaking`: it is this site's turn. */
  follow(inside: boolean, watching: boolean, speaking: boolean): void {
    if (inside && watching)
      this.witness ??= new Witness(
        () => this.world.lines(),
        (found) => this.soon(found),
      );
    else this.rest();
    if (inside && speaking) this.glimpse();
    else this.look(null);
    if (inside) this.faults();
    else this.told = null;
  }

  /** After a reconnect the server is told anew. */
  renew(): void {
    this.told = null;
    this.faults();
  }

  again(): void {
    this.say({ again: true });
  }

  stop(): void {
    this.follow(false, false, false);
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  /** Says so when what is wrong with this page has changed. */
  faults(): void {
    const fault = this.world.fault();
    if (fault === this.told) return;
    this.say({});
  }

  private rest(): void {
    this.witness?.stop();
    this.witness = null;
  }

  /** Ten thousand pages see the same picture change at once. */
  private soon(found: Witnessed): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.say(found);
    }, Math.random() * SPREAD_MS);
    this.timers.add(timer);
  }

  private say(what: Omit<RehearsalSays, 'op' | 'fault'>): void {
    this.told = this.world.fault();
    this.world.say({ op: 'rehearsal', ...what, fault: this.told });
  }

  private look(timer: ReturnType<typeof setInterval> | null): void {
    if (this.glimpsing !== null) clearInterval(this.glimpsing);
    this.glimpsing = timer;
  }

  /** Looks at this site's own camera, as the self-test does, as long as it is asked to show itself. */
  private glimpse(): void {
    if (this.glimpsing !== null) return;
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    const reader = new PictureReader();
    let glimpses: Glimpse[] = [];
    let shown: MediaStreamTrack | null = null;
    this.look(
      setInterval(() => {
        const track = this.world.camera();
        if (track !== shown) {
          shown = track;
          glimpses = [];
          video.srcObject = track === null ? null : new MediaStream([track]);
          if (track !== null) void video.play().catch(() => undefined);
        }
        const seen = reader.look(video);
        if (seen) glimpses.push(seen);
        if (glimpses.length < GLIMPSES) return;
        this.say({ picture: judgeCamera(glimpses) });
        glimpses = [];
      }, GLIMPSE_MS),
    );
  }
}
