/** From which number to which; what was before is forgotten after `gapMs` without a reading. */
export class Changes {
  private last: number | null = null;
  private candidate: number | null = null;
  private seen = 0;
  private at = Number.NEGATIVE_INFINITY;

  /** `sure`: readings of a number in a row before it is believed. */
  constructor(
    private readonly sure: number,
    private readonly gapMs: number,
  ) {}

  /** Takes a reading (null: none); answers a change that is now certain. */
  take(reading: number | null, now: number): [from: number, to: number] | null {
    if (reading === null) {
      if (now - this.at > this.gapMs) this.reset();
      return null;
    }
    if (now - this.at > this.gapMs) this.reset();
    this.at = now;
    this.seen = reading === this.candidate ? this.seen + 1 : 1;
    this.candidate = reading;
    if (this.seen < this.sure || reading === this.last) return null;
    const from = this.last;
    this.last = reading;
    return from === null ? null : [from, reading];
  }

  reset(): void {
    this.last = null;
    this.candidate = null;
    this.seen = 0;
  }
}
