import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import { readyOf, shareClass } from '../models/readiness';
import type { ReadinessUnit } from '../protocol/types';
import { fillOf, Patterns } from './map/Patterns';
import classes from './readiness.module.css';

/** Units as tiles of one size, in the tree's order: where there are no shapes. */
export function UnitGrid({
  units,
  onOpen,
}: {
  units: readonly ReadinessUnit[];
  onOpen: (code: string) => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  if (units.length === 0) return <p>{t('readiness.noChildren')}</p>;
  return (
    <div>
      <svg width="0" height="0" style={{ position: 'absolute' }} aria-hidden="true">
        <Patterns id={id} />
      </svg>
      <ul className={classes.grid} data-testid="unit-grid">
        {units.map((unit) => (
          <li key={unit.code}>
            <button type="button" onClick={() => onOpen(unit.code)} data-unit={unit.code}>
              <svg width="100%" height="14" aria-hidden="true" className={classes.tileBar}>
                <rect width="100%" height="14" fill={fillOf(id, shareClass(unit.counts))} />
              </svg>
              <span className={classes.tileName}>
                {unit.kind} {unit.name}
              </span>
              <span className={classes.tileCount}>
                {formatNumber(readyOf(unit.counts))}/{formatNumber(unit.counts.total)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
