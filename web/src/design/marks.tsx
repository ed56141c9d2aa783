import { useTranslation } from 'react-i18next';
import type { Mic } from '../protocol/types';
import classes from './marks.module.css';

export type MarkName =
  | 'on_air'
  | 'preview'
  | 'speaking'
  | 'hand'
  | 'joined'
  | 'ready'
  | 'absent'
  | 'degraded'
  | 'offline'
  | 'never'
  | 'incident';

/** Each meaning has a colour, a shape and a word; the shapes differ in outline, so that they survive greyscale. */
const SHAPES: Record<MarkName, React.ReactNode> = {
  on_air: <path d="M1 3h14v10H1z" fill="currentColor" />,
  preview: <path d="M2 4h12v8H2z" fill="none" stroke="currentColor" strokeWidth="2" />,
  speaking: (
    <path
      d="M2 6v4M5 4v8M8 2v12M11 4v8M14 6v4"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
    />
  ),
  hand: <HandPath />,
  joined: <circle cx="8" cy="8" r="5.5" fill="currentColor" />,
  ready: <circle cx="8" cy="8" r="5.5" fill="currentColor" />,
  absent: <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" />,
  degraded: (
    <>
      <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M8 3a5 5 0 0 1 0 10z" fill="currentColor" />
    </>
  ),
  offline: <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" />,
  never: (
    <circle
      cx="8"
      cy="8"
      r="5"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeDasharray="1 2.9"
      strokeLinecap="round"
    />
  ),
  incident: <path d="M8 2l6.5 12h-13z" fill="currentColor" />,
};

function HandPath() {
  return (
    <path
      d="M5 15c-1.6 0-2.6-1.2-3-3L1.2 9c-.2-.8.9-1.3 1.4-.5L4 10.5V3.2c0-1.1 1.7-1.1 1.7 0V7h.6V1.8c0-1.1 1.7-1.1 1.7 0V7h.6V2.3c0-1.1 1.7-1.1 1.7 0V7.5h.6V4.2c0-1.1 1.6-1.1 1.6 0V11c0 2.6-1.5 4-3.9 4z"
      fill="currentColor"
    />
  );
}

interface MarkProps {
  name: MarkName;
  /** In px; a multiple of 4. */
  size?: number;
  /** The word stands beside the shape anyway: do not say it twice. */
  silent?: boolean;
  /** On a coloured ground the shape takes the colour of the words. */
  plain?: boolean;
}

export function Mark({ name, size = 16, silent = false, plain = false }: MarkProps) {
  const { t } = useTranslation();
  return (
    <span className={classes.mark} data-mark={name} data-plain={plain}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
        {SHAPES[name]}
      </svg>
      {!silent && <span className="dc-hidden">{t(`mark.${name}`)}</span>}
    </span>
  );
}

/** Microphone: a filled one is open, a struck one is off, a struck one in a square was muted by the desk. */
export function MicMark({
  mic,
  size = 16,
  silent = false,
  plain = false,
}: Omit<MarkProps, 'name'> & { mic: Mic }) {
  const { t } = useTranslation();
  return (
    <span className={classes.mark} data-mic={mic} data-plain={plain}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
        {mic === 'muted' && <path d="M1 1h14v14H1z" fill="none" stroke="currentColor" strokeWidth="1.5" />}
        <rect
          x="5.75"
          y="2"
          width="4.5"
          height="7.5"
          rx="2.25"
          fill={mic === 'open' ? 'currentColor' : 'none'}
          stroke="currentColor"
          strokeWidth="1.5"
        />
        <path d="M3.5 7.5a4.5 4.5 0 0 0 9 0M8 12v2" fill="none" stroke="currentColor" strokeWidth="1.5" />
        {mic !== 'open' && <path d="M2.5 2l11 12" stroke="currentColor" strokeWidth="1.8" />}
      </svg>
      {!silent && <span className="dc-hidden">{t(`mark.mic_${mic}`)}</span>}
    </span>
  );
}
