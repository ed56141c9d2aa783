/** What a wall's tile shows. */
const SMALL = { width: 160, height: 90 };
const WIDTH = 320;
const HEIGHT = 180;
/** On air: what lines too narrow for video are shown instead of it. */
const ON_AIR_MS = 4_000;
/** Seconds between two pictures of a site while there are not too many sites. */
const FEW_S = 20;

/** Posts a small picture now and then: what the country's wall shows of a site, and weak lines of who is on the stage. */
export class SnapshotPoster {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly video = document.createElement('video');
  private readonly canvas = document.createElement('canvas');
  private readonly smaller = document.createElement('canvas');
  private track: MediaStreamTrack | null = null;
  private onAir = false;

  constructor(
    private readonly post: (picture: Blob, small: Blob | null, takenAt: number) => Promise<void>,
    private readonly posted: (at: number) => void,
    /** Seconds between two pictures: the server's to say, for it knows how many post. */
    private readonly every: () => number,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.smaller.width = SMALL.width;
    this.smaller.height = SMALL.height;
  }

  /** Null stops it. `onAir`: more often. */
  show(track: MediaStreamTrack | null, onAir = false): void {
    const sooner = onAir && !this.onAir;
    this.onAir = onAir;
    if (track === this.track && !(sooner && track)) return;
    const shown = this.track;
    this.track = track;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (track !== shown) this.video.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    void this.video.play().catch(() => undefined);
    // The first soon; of a crowd that comes together, no faster than all later ones.
    const every = this.every();
    this.next(onAir ? 500 : 1_000 + Math.random() * (every > FEW_S ? every * 1_000 : 4_000));
  }

  private next(ms: number): void {
    this.timer = setTimeout(() => {
      void this.once().finally(() => {
        if (this.track)
          this.next((this.onAir ? ON_AIR_MS : this.every() * 1_000) * (0.8 + Math.random() * 0.4));
      });
    }, ms);
  }

  private async once(): Promise<void> {
    if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || this.video.videoWidth === 0) return;
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    const { sx, sy, sw, sh } = cover(this.video.videoWidth, this.video.videoHeight);
    const takenAt = performance.now();
    pen.drawImage(this.video, sx, sy, sw, sh, 0, 0, WIDTH, HEIGHT);
    this.smaller.getContext('2d')?.drawImage(this.canvas, 0, 0, SMALL.width, SMALL.height);
    const [blob, small] = await Promise.all([jpegOf(this.canvas), jpegOf(this.smaller)]);
    if (!blob) return;
    try {
      await this.post(blob, small, takenAt);
      this.posted(Date.now());
    } catch {
      // The next one is not far; a lost picture is not worth a retry.
    }
  }
}

function jpegOf(canvas: HTMLCanvasElement): Promise<Blob | null> {
  return new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.6));
}

/** The middle 16:9 part of a picture. */
export function cover(width: number, height: number): { sx: number; sy: number; sw: number; sh: number } {
  const ratio = WIDTH / HEIGHT;
  if (width / height > ratio) {
    const sw = height * ratio;
    return { sx: (width - sw) / 2, sy: 0, sw, sh: height };
  }
  const sh = width / ratio;
  return { sx: 0, sy: (height - sh) / 2, sw: width, sh };
}
