/** Two tones, as a telephone has: 425 Hz is what rings in Vietnam. */
const TONES = [425, 500] as const;
const LOUD = 0.25;
const ON_S = 1.2;
const EVERY_MS = 3_000;

/** Rings until it is told to stop. A browser plays it once the page has had its one tap. */
export class Ring {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  sound(on: boolean): void {
    if (on === (this.timer !== null)) return;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    if (!on) return;
    this.once();
    this.timer = setInterval(() => this.once(), EVERY_MS);
  }

  close(): void {
    this.sound(false);
    void this.context?.close().catch(() => undefined);
    this.context = null;
  }

  private once(): void {
    // A phone that lies on the table is felt, too.
    if ('vibrate' in navigator) navigator.vibrate([400, 200, 400]);
    this.context ??= new AudioContext();
    const { context } = this;
    void context.resume().catch(() => undefined);
    const gain = context.createGain();
    const now = context.currentTime;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(LOUD, now + 0.03);
    gain.gain.setValueAtTime(LOUD, now + ON_S - 0.05);
    gain.gain.linearRampToValueAtTime(0, now + ON_S);
    gain.connect(context.destination);
    for (const hertz of TONES) {
      const tone = context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(gain);
      tone.start(now);
      tone.stop(now + ON_S);
    }
  }
}
