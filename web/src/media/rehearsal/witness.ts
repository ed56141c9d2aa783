import { Changes } from './changes';
import { readNumber, STRIP_HEIGHT, STRIP_WIDTH } from './code';
import { NoteListener } from './notes';

export interface Witnessed {
  saw?: [number, number];
  heard?: [number, number];
  figures: { width?: number; height?: number; db?: number };
}

const LOOK_MS = 120;
/** A picture without a new frame for so long is a still one. */
const STILL_MS = 3_000;
const SILENT_MS = 5_000;

/** What this page decodes, read from the frames and from the sound themselves. */
export class Witness {
  private readonly video = document.createElement('video');
  private readonly context: CanvasRenderingContext2D | null;
  private readonly pictures = new Changes(2, STILL_MS);
  private readonly notes = new Changes(3, SILENT_MS);
  private readonly timer: ReturnType<typeof setInterval>;
  private listener: NoteListener | null = null;
  private time = -1;

  constructor(
    private readonly lines: () => {
      video: MediaStream | null;
      audio: readonly MediaStream[];
      armed: boolean;
    },
    private readonly tell: (found: Witnessed) => void,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    const canvas = document.createElement('canvas');
    canvas.width = STRIP_WIDTH;
    canvas.height = STRIP_HEIGHT;
    this.context = canvas.getContext('2d', { willReadFrequently: true });
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.video.srcObject = null;
    this.listener?.close();
    this.listener = null;
  }

  private look(): void {
    const { video, audio, armed } = this.lines();
    if (this.video.srcObject !== video) {
      this.video.srcObject = video;
      if (video !== null) void this.video.play().catch(() => undefined);
    }
    const now = performance.now();
    const saw = this.pictures.take(this.number(), now);
    const { videoWidth: width, videoHeight: height } = this.video;
    if (saw !== null) this.tell({ saw, figures: { width, height } });
    if (!armed || audio.length === 0) return;
    this.listener ??= new NoteListener();
    this.listener.listen(audio);
    const note = this.listener.look();
    // Between two strokes of the bell there is nothing to hear, and nothing to forget.
    const heard = this.notes.take(note?.note ?? null, now);
    if (heard !== null && note !== null) this.tell({ heard, figures: { db: note.db } });
  }

  private number(): number | null {
    const { video, context } = this;
    // The same frame again proves nothing.
    if (!context || video.videoWidth === 0 || video.currentTime === this.time) return null;
    this.time = video.currentTime;
    context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 10, 0, 0, STRIP_WIDTH, STRIP_HEIGHT);
    return readNumber(context.getImageData(0, 0, STRIP_WIDTH, STRIP_HEIGHT).data);
  }
}
