/** The notes that the loudspeaker plays, Hz: none is a multiple of another. */
export const NOTES: readonly number[] = [620, 1040, 1470];
const NOTE_MS = 320;
const LATE_MS = 180;
/** A note stands out when it is so much louder than in the others' time, dB. */
const STANDS_OUT = 10;
const QUIET = -85;
const FFT = 4096;
const LOOK_MS = 40;

/**
 * Did the microphone hear the notes? `levels[slot][note]` in dB, at their loudest while each note was played. A note counts
 * when it was louder in its own slot than in the others: a door that bangs makes all of them louder.
 */
export function toneHeard(levels: readonly (readonly number[])[]): boolean {
  const clear = levels.filter((slot, n) => {
    const own = slot[n] ?? -Infinity;
    const others = levels.filter((_, other) => other !== n).map((other) => other[n] ?? -Infinity);
    return own > QUIET && others.every((level) => own - level >= STANDS_OUT);
  });
  return clear.length >= Math.ceil((levels.length * 2) / 3);
}

/**
 * Plays the notes and listens with a microphone that cancels nothing: true when it heard them itself. What the browser
 * refuses (no microphone, no sound yet) is `false`: then the person's ear decides.
 */
export async function playTone(sink: string | null, raw: MediaStreamTrack | null): Promise<boolean> {
  const context = new AudioContext();
  try {
    const routed = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
    if (sink !== null) await routed.setSinkId?.(sink).catch(() => undefined);
    await context.resume();
    const read = raw === null ? null : listener(context, raw);
    const loud = context.createGain();
    loud.gain.value = 0.25;
    loud.connect(context.destination);
    const levels: number[][] = [];
    for (const hz of NOTES) {
      const note = context.createOscillator();
      note.frequency.value = hz;
      note.connect(loud);
      note.start();
      // The first moments may still hold the note before: loudspeaker, room and microphone take their time.
      await pause(LATE_MS);
      levels.push(await loudest(read, NOTE_MS));
      note.stop();
    }
    return read !== null && toneHeard(levels);
  } catch {
    return false;
  } finally {
    void context.close();
  }
}

function listener(context: AudioContext, track: MediaStreamTrack): () => number[] {
  const analyser = context.createAnalyser();
  analyser.fftSize = FFT;
  analyser.smoothingTimeConstant = 0;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const bins = new Float32Array(new ArrayBuffer(analyser.frequencyBinCount * 4));
  const binOf = (hz: number) => Math.round((hz * FFT) / context.sampleRate);
  return () => {
    analyser.getFloatFrequencyData(bins);
    return NOTES.map((hz) => Math.max(...[-1, 0, 1].map((d) => bins[binOf(hz) + d] ?? -Infinity)));
  };
}

/** The loudest that each note was within so many ms. */
async function loudest(read: (() => number[]) | null, ms: number): Promise<number[]> {
  let most = NOTES.map(() => -Infinity);
  for (let passed = 0; passed < ms; passed += LOOK_MS) {
    await pause(LOOK_MS);
    const now = read?.() ?? [];
    most = most.map((level, i) => Math.max(level, now[i] ?? -Infinity));
  }
  return most;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
