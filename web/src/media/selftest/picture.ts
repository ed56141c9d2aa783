const WIDTH = 640;
const HEIGHT = 360;
const STRIP = 90;
const FPS = 15;

/**
 * What is sent to measure a line: the camera's picture with a strip of noise below it. A still room would be sent with a
 * tenth of what a line carries; noise takes what there is.
 */
export class MeasuringPicture {
  readonly track: MediaStreamTrack;
  private readonly canvas = document.createElement('canvas');
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(camera: HTMLVideoElement | null) {
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    const context = this.canvas.getContext('2d', { alpha: false });
    const [track] = this.canvas.captureStream(FPS).getVideoTracks();
    if (!context || !track) throw new Error('a canvas gives no stream here');
    this.track = track;
    const noise = context.createImageData(WIDTH / 2, STRIP / 2);
    const small = document.createElement('canvas');
    small.width = WIDTH / 2;
    small.height = STRIP / 2;
    const grain = small.getContext('2d');
    let n = 0;
    const draw = () => {
      n += 1;
      if (camera && camera.readyState >= 2) context.drawImage(camera, 0, 0, WIDTH, HEIGHT);
      else {
        context.fillStyle = `hsl(${(n * 7) % 360} 40% 40%)`;
        context.fillRect(0, 0, WIDTH, HEIGHT);
      }
      const { data } = noise;
      for (let i = 0; i < data.length; i += 4) {
        const grey = Math.random() * 255;
        data[i] = data[i + 1] = data[i + 2] = grey;
        data[i + 3] = 255;
      }
      grain?.putImageData(noise, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, HEIGHT - STRIP, WIDTH, STRIP);
    };
    draw();
    this.timer = setInterval(draw, 1000 / FPS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.track.stop();
  }
}
