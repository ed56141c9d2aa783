/** Loudness of a microphone as 0..1, read ten times a second while somebody looks. */
export class Meter {
  private context: AudioContext | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private analyser: AnalyserNode | null = null;
  private track: MediaStreamTrack | null = null;
  private samples = new Float32Array(new ArrayBuffer(0));

  /** Browsers start it silent until the page is tapped. */
  async resume(): Promise<boolean> {
    this.context ??= new AudioContext({ latencyHint: 'interactive' });
    if (this.context.state !== 'running') await this.context.resume().catch(() => undefined);
    return (this.context.state as string) === 'running';
  }

  listen(track: MediaStreamTrack | null): void {
    this.source?.disconnect();
    this.source = null;
    this.track?.stop();
    this.track = null;
    if (track === null || this.context === null) return;
    // A copy: the track that is sent carries silence until the meeting hears this room, the meter shows it always.
    this.track = track.clone();
    this.track.enabled = true;
    if (!this.analyser) {
      this.analyser = this.context.createAnalyser();
      this.analyser.fftSize = 1024;
      this.samples = new Float32Array(new ArrayBuffer(1024 * 4));
    }
    this.source = this.context.createMediaStreamSource(new MediaStream([this.track]));
    this.source.connect(this.analyser);
  }

  /** 0 (silence, -60 dB) to 1 (full scale). */
  level(): number {
    if (!this.analyser || !this.source) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  close(): void {
    this.listen(null);
    void this.context?.close().catch(() => undefined);
    this.context = null;
    this.analyser = null;
  }
}

/** RMS in decibels, laid on 0..1 from -60 dB to 0. */
export function loudness(samples: Float32Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const s of samples) sum += s * s;
  const db = 10 * Math.log10(sum / samples.length || 1e-12);
  return Math.min(1, Math.max(0, (db + 60) / 60));
}

/** The same scale for a level the server reports, dBov. */
export const levelOf = (dbov: number): number => Math.min(1, Math.max(0, (dbov + 60) / 60));
