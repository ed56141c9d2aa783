import type { DeviceFault } from '../../models/site';
import { faultOf } from '../devices';
import type { Meter } from '../meter';
import { PictureReader, type Glimpse } from './camera';

const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 } };
/** Nothing cancelled: the microphone shall hear the loudspeaker. */
export const RAW: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
export const SPEAK_S = 4;
const GLIMPSES = 12;
const GLIMPSE_MS = 150;
/** A camera that has shown nothing by then shows nothing. */
const FIRST_PICTURE_MS = 6_000;

export function stopAll(stream: MediaStream | null): void {
  stream?.getTracks().forEach((track) => track.stop());
}

/** The loudspeaker that the clerk chose on the site page. */
export const sink = (): string | null => localStorage.getItem('dc.speaker');

/** The device that the clerk chose on the site page, if it is still there. */
function chosen(key: string, base: MediaTrackConstraints): MediaTrackConstraints {
  const id = localStorage.getItem(key);
  return id === null ? base : { ...base, deviceId: { ideal: id } };
}

/** The camera; one question of the browser for the microphone too, which is closed again. Raises as getUserMedia does. */
export async function openCamera(media: MediaDevices): Promise<MediaStream> {
  try {
    const both = await media.getUserMedia({ video: chosen('dc.camera', VIDEO), audio: chosen('dc.mic', {}) });
    for (const track of both.getAudioTracks()) {
      track.stop();
      both.removeTrack(track);
    }
    return both;
  } catch {
    // One of the two is missing or refused: the camera alone says its own fault.
    return media.getUserMedia({ video: VIDEO });
  }
}

/** The microphone, or why not. */
export async function openMicrophone(
  media: MediaDevices | undefined,
  how: MediaTrackConstraints = {},
): Promise<{ stream: MediaStream | null; fault: DeviceFault | null }> {
  if (!media) return { stream: null, fault: 'insecure' };
  try {
    return { stream: await media.getUserMedia({ audio: chosen('dc.mic', how) }), fault: null };
  } catch (error) {
    return { stream: null, fault: faultOf(error) };
  }
}

/** Looks at a picture for some two seconds. */
export function lookAt(video: HTMLVideoElement, stop: AbortSignal): Promise<Glimpse[]> {
  const reader = new PictureReader();
  const glimpses: Glimpse[] = [];
  const began = performance.now();
  return new Promise((done) => {
    const timer = setInterval(() => {
      const seen = reader.look(video);
      if (seen) glimpses.push(seen);
      const late = glimpses.length === 0 && performance.now() - began > FIRST_PICTURE_MS;
      if (glimpses.length >= GLIMPSES || late || stop.aborted) {
        clearInterval(timer);
        done(glimpses);
      }
    }, GLIMPSE_MS);
  });
}

/** Records a sentence; the loudest that was heard, and the recording where the browser can. */
export function recordVoice(
  stream: MediaStream,
  meter: Meter,
  left: (seconds: number) => void,
  stop: AbortSignal,
): Promise<{ level: number; recording: Blob | null }> {
  const recorder = typeof MediaRecorder === 'undefined' ? null : new MediaRecorder(stream);
  const parts: Blob[] = [];
  let level = 0;
  const began = performance.now();
  recorder?.addEventListener('dataavailable', (event) => parts.push(event.data));
  recorder?.start();
  return new Promise((done) => {
    const finish = () => {
      const [first] = parts;
      done({ level, recording: first ? new Blob(parts, { type: first.type }) : null });
    };
    const timer = setInterval(() => {
      level = Math.max(level, meter.level());
      const rest = Math.max(0, Math.ceil(SPEAK_S - (performance.now() - began) / 1000));
      left(rest);
      if (rest > 0 && !stop.aborted) return;
      clearInterval(timer);
      if (!recorder || recorder.state === 'inactive') {
        finish();
        return;
      }
      recorder.addEventListener('stop', finish);
      recorder.stop();
    }, 100);
  });
}
