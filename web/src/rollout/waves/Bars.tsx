import { useTranslation } from 'react-i18next';
import { formatNumber } from '../../i18n/format';
import { STATES } from '../../models/readiness';
import type { Wave } from './api';
import classes from './waves.module.css';

/** A wave's sites by state, furthest first, as one bar; what it says stands below it in words. */
export function FunnelBar({ counts }: { counts: Wave['counts'] }) {
  const { t } = useTranslation();
  const found = STATES.toReversed()
    .map((state) => ({ state, n: counts.states[state] ?? 0 }))
    .filter(({ n }) => n > 0);
  return (
    <div>
      <span className={classes.stack} aria-hidden="true">
        {found.map(({ state, n }) => (
          <span
            key={state}
            data-state={state}
            style={{ width: `${(100 * n) / Math.max(1, counts.total)}%` }}
          />
        ))}
      </span>
      <small>
        {found.map(({ state, n }) => `${t(`readiness.step.${state}`)} ${formatNumber(n)}`).join(' · ')}
      </small>
    </div>
  );
}
