/** One look at a picture: its light and its contrast (0 to 255), and how much it differs from the look before. */
export interface Glimpse {
  mean: number;
  spread: number;
  change: number;
}

export type CameraVerdict = 'ok' | 'black' | 'frozen';

/** Darker and flatter than this there is no light: a closed shutter, a hand, a dark room. */
const DARK = 18;
const FLAT = 6;
const WIDTH = 64;
const HEIGHT = 36;

/** A sensor's noise alone changes some pixels: a picture in which none ever changes is a still one. */
export function judgeCamera(glimpses: readonly Glimpse[]): CameraVerdict {
  if (glimpses.every((g) => g.mean < DARK && g.spread < FLAT)) return 'black';
  return glimpses.slice(1).every((g) => g.change === 0) ? 'frozen' : 'ok';
}

/** Looks at a video element through a small canvas. */
export class PictureReader {
  private readonly context: CanvasRenderingContext2D | null;
  private last: Uint8ClampedArray | null = null;

  constructor() {
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    this.context = canvas.getContext('2d', { willReadFrequently: true });
  }

  look(video: HTMLVideoElement): Glimpse | null {
    if (!this.context || video.videoWidth === 0 || video.readyState < 2) return null;
    this.context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.context.getImageData(0, 0, WIDTH, HEIGHT);
    const glimpse = glimpseOf(data, this.last);
    this.last = data;
    return glimpse;
  }
}

/** RGBA pixels to light (Rec. 601 luma), contrast and change. */
export function glimpseOf(data: Uint8ClampedArray, before: Uint8ClampedArray | null): Glimpse {
  let sum = 0;
  let squares = 0;
  let change = 0;
  const count = data.length / 4;
  for (let i = 0; i < data.length; i += 4) {
    const luma = 0.299 * (data[i] ?? 0) + 0.587 * (data[i + 1] ?? 0) + 0.114 * (data[i + 2] ?? 0);
    sum += luma;
    squares += luma * luma;
    if (before) change += Math.abs((data[i + 1] ?? 0) - (before[i + 1] ?? 0));
  }
  const mean = sum / count;
  return { mean, spread: Math.sqrt(Math.max(0, squares / count - mean * mean)), change: change / count };
}
