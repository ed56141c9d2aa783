import { codeOf } from '../protocol/failure';
import type { Message } from '../protocol/types';

/** What arrives within this time is acknowledged together, ms. */
const GATHER_MS = 100;
/**
 * A message to all is acknowledged up to this much later: ten thousand pages must not do it in the same millisecond. The
 * server tells a crowd over some half a second.
 */
const SPREAD_MS = 400;
/** What the server did not take is said again after this, times 1 to 2, ms. */
const AGAIN_MS = 3_000;
/** Ids of one command. */
const AT_ONCE = 100;
/** Refusals that no second attempt changes. */
const FINAL: ReadonlySet<string> = new Set([
  'message_not_found',
  'meeting_not_open',
  'meeting_not_found',
  'forbidden',
  'bad_request',
]);

export interface AcknowledgerWorld {
  after(ms: number, run: () => void): () => void;
  /** 0 to 1. */
  random(): number;
  /** `message.got`; rejects with what the server refused it for. */
  send(messages: string[]): Promise<unknown>;
}

/** Whether a message of the centre is for this site. */
export const isFor = (message: Message, me: string): boolean =>
  message.from.kind !== 'site' && (message.to === 'all' || message.to === me);

/** Says of each message that the page shows, once, that it is here. */
export class Acknowledger {
  private readonly said = new Set<string>();
  private readonly waiting = new Set<string>();
  private cancel: (() => void) | null = null;
  /** Rises with `reset`: answers of before are no longer ours. */
  private round = 0;

  constructor(private readonly world: AcknowledgerWorld) {}

  /** The messages that site `me` now shows. */
  shown(messages: readonly Message[], me: string): void {
    const fresh = messages.filter((m) => !this.said.has(m.id) && isFor(m, me));
    for (const message of fresh) {
      this.said.add(message.id);
      this.waiting.add(message.id);
    }
    const toAll = fresh.some((m) => m.to === 'all');
    if (fresh.length > 0) this.later(GATHER_MS + (toAll ? this.world.random() * SPREAD_MS : 0));
  }

  /** The page shows another meeting, or none. */
  reset(): void {
    this.round += 1;
    this.cancel?.();
    this.cancel = null;
    this.said.clear();
    this.waiting.clear();
  }

  private later(ms: number): void {
    this.cancel ??= this.world.after(ms, () => {
      this.cancel = null;
      void this.send();
    });
  }

  private async send(): Promise<void> {
    const { round } = this;
    const all = [...this.waiting];
    this.waiting.clear();
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const ids = all.slice(from, from + AT_ONCE);
      try {
        await this.world.send(ids);
      } catch (error) {
        if (round !== this.round) return;
        if (FINAL.has(codeOf(error))) continue;
        for (const id of all.slice(from)) this.waiting.add(id);
        this.later(AGAIN_MS * (1 + this.world.random()));
        return;
      }
      if (round !== this.round) return;
    }
  }
}
