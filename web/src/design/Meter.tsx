import { useEffect, useRef } from 'react';
import classes from './meter.module.css';

interface MeterProps {
  /** 0 to 1, read ten times a second. */
  read: () => number;
  label: string;
  height?: number;
}

/** A level meter: 12 cells, so that it is read at a glance and in greyscale. It writes to the DOM, not to React. */
export function Meter({ read, label, height = 12 }: MeterProps) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      const level = read();
      if (!bar.current) return;
      bar.current.style.setProperty('--level', String(Math.round(level * 12) / 12));
      bar.current.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    }, 100);
    return () => clearInterval(timer);
  }, [read]);
  return (
    <div
      ref={bar}
      className={classes.meter}
      style={{ height }}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    />
  );
}
