import type { CallState } from '../protocol/types';
import classes from './calls.module.css';

const LINE = { fill: 'none', stroke: 'currentColor', strokeWidth: 2, strokeLinecap: 'round' as const };

/** Ringing: waves; connecting: an open arc; warm: a half disc; live: a filled disc; over: hollow, with what stopped it. */
const SHAPES: Record<CallState, React.ReactNode> = {
  ringing: <path d="M3 8a5 5 0 0 1 10 0M5.500 9a2.500 2.500 0 0 1 5 0M1 6a8 8 0 0 1 14 0" {...LINE} />,
  calling: <path d="M8 2a6 6 0 1 1-6 6" {...LINE} />,
  warm: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
    </>
  ),
  live: <circle cx="8" cy="8" r="7" fill="currentColor" />,
  no_answer: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="M5.500 5.500l5 5M10.500 5.500l-5 5" {...LINE} />
    </>
  ),
  offline: <circle cx="8" cy="8" r="6" {...LINE} />,
  busy: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="M5 8h6" {...LINE} />
    </>
  ),
  ended: <path d="M3 8.500l3.500 3.500L13 5" {...LINE} />,
  interrupted: <path d="M9 1L4 9h4l-1 6 5-8H8z" {...LINE} strokeWidth={1.5} />,
};

export function CallMark({ state }: { state: CallState }) {
  return (
    <svg
      className={classes.mark}
      data-state={state}
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {SHAPES[state]}
    </svg>
  );
}
