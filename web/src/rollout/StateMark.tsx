import { useTranslation } from 'react-i18next';
import type { ReadinessState } from '../protocol/types';
import classes from './readiness.module.css';

/** A circle that fills step by step; the last is a disc with a tick. */
const SHAPES: Record<ReadinessState, React.ReactNode> = {
  never: (
    <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="1 2.9" />
  ),
  activated: <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  tested: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
    </>
  ),
  rehearsed: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M8 8V2.5a5.5 5.5 0 1 1-5.5 5.5z" fill="currentColor" />
    </>
  ),
  ready: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.6 8.3l2.4 2.4 4.3-5" fill="none" stroke="var(--dc-ground)" strokeWidth="2" />
    </>
  ),
};

export function StateMark({ state }: { state: ReadinessState }) {
  const { t } = useTranslation();
  return (
    <span className={classes.state} data-state={state}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        {SHAPES[state]}
      </svg>
      {t(`readiness.step.${state}`)}
    </span>
  );
}
