import { useTranslation } from 'react-i18next';
import { formatDay } from '../i18n/format';
import type { Finding, Severity } from './api';
import classes from './page.module.css';

const BARS: Record<Severity, number> = { low: 1, medium: 2, high: 3 };

/** One, two or three bars: read without colour. */
export function SeverityMark({ severity }: { severity: Severity }) {
  const { t } = useTranslation();
  return (
    <span className={classes.mark}>
      <svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true">
        {[0, 1, 2].map((i) => (
          <rect
            key={i}
            x={i * 6}
            y={8 - i * 4}
            width="4"
            height={4 + i * 4}
            fill={i < BARS[severity] ? 'currentColor' : 'none'}
            stroke="currentColor"
          />
        ))}
      </svg>
      {t(`inspections.severity.${severity}`)}
    </span>
  );
}

/** A day as the server writes it, as people read it. */
export const dueDay = (due: string): string => due.split('-').reverse().join('/');

/** Done: a tick; overdue: a triangle; else a hollow circle. */
export function FindingState({ finding, today }: { finding: Finding; today: string }) {
  const { t } = useTranslation();
  const done = finding.closed_at !== null;
  const late = !done && finding.due !== null && finding.due < today;
  const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 2 };
  return (
    <span className={classes.mark} data-state={done ? 'done' : late ? 'overdue' : 'open'}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        {done ? (
          <path d="M3 8.500l3.500 3.500L13 5" {...line} />
        ) : late ? (
          <path d="M8 2l6.500 12h-13z" {...line} />
        ) : (
          <circle cx="8" cy="8" r="5.500" {...line} />
        )}
      </svg>
      {done && finding.closed_at !== null
        ? `${t('inspections.done')} ${formatDay(Date.parse(finding.closed_at))}`
        : t(late ? 'inspections.overdueSince' : 'inspections.notDone')}
    </span>
  );
}

/** Today in Vietnam, "2021-09-05". */
export const todayIn = (now: number): string => new Date(now + 7 * 3_600_000).toISOString().slice(0, 10);
