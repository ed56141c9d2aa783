import { CLASSES, type ShareClass } from '../../models/readiness';
import classes from './map.module.css';

/** Each class has a tone and a pattern of its own: the map is read in greyscale too. */
const MARKS: Record<ShareClass, React.ReactNode> = {
  none: <path d="M0 10L10 0" strokeWidth="0.8" strokeDasharray="1 3" />,
  zero: null,
  low: <circle cx="5" cy="5" r="1.6" stroke="none" fill="currentColor" />,
  half: <path d="M-2 2L2 -2M0 10L10 0M8 12L12 8" strokeWidth="2" />,
  most: <path d="M0 2.5H10M0 7.5H10M2.5 0V10M7.5 0V10" strokeWidth="1" />,
  all: null,
};

/** The patterns, once a drawing; `id` sets them apart from another drawing's. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      {CLASSES.map((name) => (
        <pattern
          key={name}
          id={`${id}-${name}`}
          width="10"
          height="10"
          patternUnits="userSpaceOnUse"
          className={classes.pattern}
          data-class={name}
        >
          <rect width="10" height="10" className={classes.tone} data-class={name} />
          <g stroke="currentColor" fill="none">
            {MARKS[name]}
          </g>
        </pattern>
      ))}
    </defs>
  );
}

export const fillOf = (id: string, name: ShareClass): string => `url(#${id}-${name})`;
