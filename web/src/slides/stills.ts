/** What one still may weigh: some eight seconds of a line that has 40 kbit/s left for it. */
const MOST = 40_000;
/** As sharp as fits: small letters first, then fewer bits, then fewer pixels. The last is taken as it comes. */
const TRIES: readonly [width: number, quality: number][] = [
  [960, 0.6],
  [960, 0.4],
  [640, 0.5],
  [480, 0.4],
];
/** Between two posts, whatever changes: the server takes one a second. */
const APART_MS = 1_500;
/** After a post that failed. */
const RETRY_MS = 5_000;

export interface Shot {
  source: CanvasImageSource;
  width: number;
  height: number;
}

/** The picture as it is now; null: there is none yet. */
export type Take = () => Promise<Shot | null>;
type Encode = (shot: Shot, width: number, quality: number) => Promise<Blob | null>;
type Post = (meeting: string, picture: Blob, takenAt: number) => Promise<void>;

/** Posts what is presented as stills, for viewers whose line carries no video: at every change, and now and then. */
export class SlideStills {
  private meeting: string | null = null;
  private take: Take | null = null;
  private everyMs = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private posting = false;
  private due = false;
  private last = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly post: Post,
    private readonly encode: Encode = jpegOf,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** What is presented, null: nothing. `everyMs`: so often though nothing says that it has changed. */
  show(take: Take | null, everyMs: number): void {
    this.take = take;
    this.everyMs = everyMs;
    this.changed();
  }

  /** The meeting that shows it and keeps pictures; null: none is posted. */
  run(meeting: string | null): void {
    if (meeting === this.meeting) return;
    this.meeting = meeting;
    this.changed();
  }

  /** Another page. */
  changed(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.due = true;
    if (this.meeting !== null && this.take !== null && !this.posting)
      this.timer = setTimeout(() => void this.once(), Math.max(0, this.last + APART_MS - this.now()));
  }

  private async once(): Promise<void> {
    const { meeting, take } = this;
    if (meeting === null || take === null) return;
    this.timer = null;
    this.posting = true;
    this.due = false;
    this.last = this.now();
    let pause = this.everyMs;
    try {
      const takenAt = this.now();
      const shot = await take();
      const picture = shot === null ? null : await fitting(shot, this.encode);
      if (picture === null) pause = APART_MS;
      // Meanwhile it may be over, or another's.
      else if (this.meeting === meeting && this.take === take) await this.post(meeting, picture, takenAt);
    } catch {
      pause = RETRY_MS;
    }
    this.posting = false;
    // What changed while it was on its way is posted as soon as it may be.
    if (this.due as boolean) this.changed();
    else if (this.meeting !== null && this.take !== null)
      this.timer = setTimeout(() => void this.once(), pause);
  }
}

/** The sharpest copy that is light enough for a weak line. */
export async function fitting(shot: Shot, encode: Encode): Promise<Blob | null> {
  let made: Blob | null = null;
  for (const [width, quality] of TRIES) {
    made = (await encode(shot, Math.min(width, shot.width), quality)) ?? made;
    if (made !== null && made.size <= MOST) return made;
  }
  return made;
}

function jpegOf({ source, width, height }: Shot, wide: number, quality: number): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  canvas.width = wide;
  canvas.height = Math.max(1, Math.round((height / width) * wide));
  const pen = canvas.getContext('2d', { alpha: false });
  if (pen === null) return Promise.resolve(null);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
}

/** Frames of a shared screen. Where the browser can it reads the track: a desk that lies behind what it shares draws no video. */
export function framesOf(track: MediaStreamTrack): Take {
  if (typeof ImageCapture === 'function') {
    const capture = new ImageCapture(track);
    return async () => {
      const source = await capture.grabFrame();
      return { source, width: source.width, height: source.height };
    };
  }
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  void video.play().catch(() => undefined);
  return () => {
    const { videoWidth: width, videoHeight: height } = video;
    return Promise.resolve(width === 0 ? null : { source: video, width, height });
  };
}
