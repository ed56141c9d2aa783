/** The machine's notes, Hz, as `rollout/rehearsals/source.py` has them. */
export const NOTES: readonly number[] = [440, 523.25, 622.25, 739.99, 932.33, 1108.73, 1396.91, 1661.22];
const FFT = 4096;
const QUIET_DB = -75;
/** A note stands out from the other notes by so much, dB. */
const STANDS_OUT = 12;

/** Which note sounds, and how far above the next; null: none clearly. `levels`: dB by note. */
export function loudestNote(levels: readonly number[]): { note: number; db: number } | null {
  const order = levels.map((level, note) => ({ level, note })).sort((a, b) => b.level - a.level);
  const [first, second] = order;
  if (!first || !second || first.level < QUIET_DB) return null;
  const db = first.level - second.level;
  return db < STANDS_OUT ? null : { note: first.note, db: Math.round(Math.min(db, 120)) };
}

/** Listens to received sound, whatever the loudspeaker does with it. */
export class NoteListener {
  private readonly context = new AudioContext();
  private readonly analyser = this.context.createAnalyser();
  private readonly bins: Float32Array<ArrayBuffer>;
  private sources: MediaStreamAudioSourceNode[] = [];
  private streams: readonly MediaStream[] = [];

  constructor() {
    this.analyser.fftSize = FFT;
    this.analyser.smoothingTimeConstant = 0;
    this.bins = new Float32Array(new ArrayBuffer(this.analyser.frequencyBinCount * 4));
  }

  listen(streams: readonly MediaStream[]): void {
    if (this.context.state !== 'running') void this.context.resume().catch(() => undefined);
    if (streams === this.streams) return;
    this.streams = streams;
    for (const source of this.sources) source.disconnect();
    this.sources = streams.map((stream) => {
      const source = this.context.createMediaStreamSource(stream);
      source.connect(this.analyser);
      return source;
    });
  }

  look(): { note: number; db: number } | null {
    if (this.context.state !== 'running' || this.sources.length === 0) return null;
    this.analyser.getFloatFrequencyData(this.bins);
    const bin = (hz: number) => Math.round((hz * FFT) / this.context.sampleRate);
    return loudestNote(
      NOTES.map((hz) => Math.max(...[-1, 0, 1].map((by) => this.bins[bin(hz) + by] ?? -Infinity))),
    );
  }

  close(): void {
    for (const source of this.sources) source.disconnect();
    void this.context.close().catch(() => undefined);
  }
}
