/**
 * Ms between two frames of a page that does not change: a track that is silent for two seconds is taken for lost, and a
 * keyframe can only be made of a frame. A frame that is like the one before costs some hundred bytes.
 */
const KEEP_ALIVE_MS = 500;

/** A picture that stands still, as a video track: a frame when it changes, and one now and then. */
export class SlideCanvas {
  readonly track: MediaStreamTrack;
  private readonly canvas = document.createElement('canvas');
  private readonly timer: ReturnType<typeof setInterval>;
  private shown: HTMLCanvasElement | null = null;

  constructor(width: number, height: number) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.draw();
    const [track] = this.canvas.captureStream(0).getVideoTracks();
    if (track === undefined) throw new Error('a canvas without a track');
    // Sharp before smooth: the encoder keeps the size and spends what it has on few frames.
    track.contentHint = 'detail';
    this.track = track;
    this.timer = setInterval(() => this.frame(), KEEP_ALIVE_MS);
  }

  show(page: HTMLCanvasElement): void {
    this.shown = page;
    this.frame();
  }

  /** The picture as it is sent. */
  get picture(): HTMLCanvasElement {
    return this.canvas;
  }

  close(): void {
    clearInterval(this.timer);
    this.track.stop();
  }

  private frame(): void {
    // Asked for before it is drawn: what is taken is the next drawing.
    (this.track as CanvasCaptureMediaStreamTrack).requestFrame();
    this.draw();
  }

  private draw(): void {
    const context = this.canvas.getContext('2d', { alpha: false });
    if (context === null) return;
    const { width, height } = this.canvas;
    context.fillStyle = '#0a0c0e';
    context.fillRect(0, 0, width, height);
    const page = this.shown;
    if (page !== null) context.drawImage(page, (width - page.width) / 2, (height - page.height) / 2);
  }
}
