import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { Sound } from '../media/sound';
import type { Viewer } from '../media/viewer';

/** The viewer's audio lines as elements: all are heard, none is seen. */
export function AudioLines({ viewer, sound }: { viewer: Viewer; sound: Sound }) {
  const streams = useStore(viewer.store, (s) => s.audio);
  return streams.map((stream, i) => <Line key={i} stream={stream} sound={sound} />);
}

function Line({ stream, sound }: { stream: MediaStream; sound: Sound }) {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio) return;
    audio.srcObject = stream;
    return sound.attach(audio);
  }, [stream, sound]);
  return <audio ref={element} hidden />;
}
