import { createStore, type StoreApi } from 'zustand/vanilla';

export interface SoundState {
  /** The browser lets this page be heard. */
  armed: boolean;
  /** It refused: only a tap helps. */
  blocked: boolean;
}

// Safari has no choice of outputs.
type Output = Omit<HTMLAudioElement, 'setSinkId'> & { setSinkId?: (id: string) => Promise<void> };

/** What is left of what is spoken over: some 14 dB less. */
const DIMMED = 0.2;

/** All that is heard: one element per audio line, silent until the page had its tap. */
export class Sound {
  readonly store: StoreApi<SoundState> = createStore<SoundState>(() => ({ armed: false, blocked: false }));
  private readonly elements = new Set<Output>();
  private sink: string | null = null;
  private quiet = false;
  private dim = false;

  /** Adds an element; the returned function takes it away. */
  attach(element: HTMLAudioElement): () => void {
    this.elements.add(element);
    element.muted = this.quiet;
    element.volume = this.dim ? DIMMED : 1;
    this.route(element);
    if (this.store.getState().armed) void this.play(element);
    return () => this.elements.delete(element);
  }

  /** Call it inside a tap. True when sound may play. */
  async arm(): Promise<boolean> {
    this.store.setState({ armed: true });
    const played = await Promise.all([...this.elements].map((e) => this.play(e)));
    const ok = played.every(Boolean) && (await mayPlay());
    this.store.setState({ armed: ok, blocked: !ok });
    return ok;
  }

  disarm(): void {
    this.store.setState({ armed: false, blocked: false });
    for (const element of this.elements) element.pause();
  }

  /** What comes goes on coming, and is not heard in the room. */
  setQuiet(quiet: boolean): void {
    this.quiet = quiet;
    for (const element of this.elements) element.muted = quiet;
  }

  /** Quieter, while somebody speaks over it. */
  setDim(dim: boolean): void {
    this.dim = dim;
    for (const element of this.elements) element.volume = dim ? DIMMED : 1;
  }

  setSink(id: string | null): void {
    this.sink = id;
    for (const element of this.elements) this.route(element);
  }

  private route(element: Output): void {
    if (this.sink !== null) element.setSinkId?.(this.sink).catch(() => undefined);
  }

  private async play(element: Output): Promise<boolean> {
    if (element.srcObject === null) return true;
    try {
      await element.play();
      return true;
    } catch (error) {
      // AbortError only says that another source came in between.
      const refused = error instanceof DOMException && error.name === 'NotAllowedError';
      if (refused) this.store.setState({ armed: false, blocked: true });
      return !refused;
    }
  }
}

/** Asks the browser with a silent context, for a page that has no element yet. */
async function mayPlay(): Promise<boolean> {
  const context = new AudioContext();
  try {
    if (context.state !== 'running')
      await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 500))]);
    return (context.state as string) === 'running';
  } catch {
    return false;
  } finally {
    void context.close();
  }
}

/** A short friendly tone, so that a clerk knows his loudspeaker works. */
export async function testTone(sink: string | null): Promise<void> {
  const context = new AudioContext();
  const routed = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
  if (sink !== null) await routed.setSinkId?.(sink).catch(() => undefined);
  await context.resume();
  const gain = context.createGain();
  gain.connect(context.destination);
  [523, 659, 784].forEach((hz, i) => {
    const tone = context.createOscillator();
    tone.frequency.value = hz;
    tone.connect(gain);
    tone.start(context.currentTime + i * 0.22);
    tone.stop(context.currentTime + i * 0.22 + 0.2);
  });
  gain.gain.setValueAtTime(0.15, context.currentTime);
  setTimeout(() => void context.close(), 1_200);
}
