import { useTranslation } from 'react-i18next';
import { formatNumber, formatShare } from '../i18n/format';
import { funnel } from '../models/readiness';
import type { ReadinessCause, ReadinessCounts, ReadinessState } from '../protocol/types';
import classes from './readiness.module.css';

/** Every site, then how many have come to each step; each number opens the sites that stand there. */
export function Funnel({
  counts,
  rehearsal,
  onOpen,
}: {
  counts: ReadinessCounts;
  rehearsal: boolean;
  onOpen: (state: ReadinessState | undefined) => void;
}) {
  const { t } = useTranslation();
  return (
    <ol className={classes.funnel} aria-label={t('readiness.funnel')}>
      {funnel(counts, rehearsal).map((step) => {
        const share = counts.total === 0 ? 0 : step.reached / counts.total;
        return (
          <li key={step.name} data-step={step.name} data-testid={`funnel-${step.name}`}>
            <button
              type="button"
              onClick={() => onOpen(step.name === 'total' ? undefined : step.name)}
              className={classes.step}
            >
              <span className={classes.stepName}>
                {step.name === 'total' ? t('readiness.total') : t(`readiness.step.${step.name}`)}
              </span>
              <span className={classes.stepNumber} data-testid="funnel-number">
                {formatNumber(step.reached)}
              </span>
              <span className={classes.stepShare}>{step.name === 'total' ? '' : formatShare(share)}</span>
              {step.name !== 'total' && (
                <span className={classes.bar} aria-hidden="true">
                  <span style={{ width: `${share * 100}%` }} />
                </span>
              )}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** Why sites are not ready, most first. */
export function Causes({
  counts,
  onOpen,
}: {
  counts: ReadinessCounts;
  onOpen: (cause: ReadinessCause) => void;
}) {
  const { t } = useTranslation();
  const found = (Object.entries(counts.causes) as [ReadinessCause, number][]).sort((a, b) => b[1] - a[1]);
  if (found.length === 0) return null;
  return (
    <ul className={classes.causes} aria-label={t('readiness.causes')}>
      {found.map(([cause, count]) => (
        <li key={cause}>
          <button type="button" onClick={() => onOpen(cause)} data-testid={`cause-${cause}`}>
            {t(`readiness.cause.${cause}`)} <strong>{formatNumber(count)}</strong>
          </button>
        </li>
      ))}
    </ul>
  );
}
