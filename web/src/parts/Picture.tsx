import { useEffect, useRef, useState } from 'react';
import classes from './picture.module.css';

interface PictureProps {
  stream: MediaStream | null;
  testid: string;
  /** Said to a screen reader. */
  label: string;
  mirrored?: boolean;
  hidden?: boolean;
  fit?: 'contain' | 'cover';
  /** True while frames arrive; false after none for a while. */
  onLive?: (live: boolean) => void;
}

const STALE_MS = 2_500;

/** One video line. Always muted: what is heard comes from the audio lines. */
export function Picture({ stream, testid, label, mirrored, hidden, fit = 'contain', onLive }: PictureProps) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video || video.srcObject === stream) return;
    video.srcObject = stream;
    if (stream) void video.play().catch(() => undefined);
  }, [stream]);
  useEffect(() => {
    if (!onLive) return;
    return watchFrames(element.current, onLive);
  }, [onLive]);
  return (
    <video
      ref={element}
      className={classes.video}
      data-testid={testid}
      data-mirrored={mirrored}
      style={{ objectFit: fit }}
      hidden={hidden}
      aria-label={label}
      muted
      playsInline
      autoPlay
    />
  );
}

/** Reports when frames start and when they stop. */
function watchFrames(video: HTMLVideoElement | null, onLive: (live: boolean) => void): () => void {
  if (!video) return () => undefined;
  let last = -1;
  let since = performance.now();
  let live = false;
  const timer = setInterval(() => {
    const now = performance.now();
    const moved = video.currentTime !== last && video.videoWidth > 0;
    if (moved) {
      last = video.currentTime;
      since = now;
    }
    const next = moved || (live && now - since < STALE_MS);
    if (next !== live) {
      live = next;
      onLive(live);
    }
  }, 200);
  return () => clearInterval(timer);
}

/** Whether a line's frames arrive, beside the function that hears of it. */
export function useLive(): [boolean, (live: boolean) => void] {
  return useState(false);
}
