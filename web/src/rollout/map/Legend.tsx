import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { CLASSES } from '../../models/readiness';
import classes from './map.module.css';
import { fillOf, Patterns } from './Patterns';

/** What tone and pattern mean. */
export function Legend({ label }: { label?: string }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <ul className={classes.legend} aria-label={label ?? t('readiness.legend')}>
      {CLASSES.map((name) => (
        <li key={name}>
          <svg width="28" height="16" aria-hidden="true">
            <Patterns id={`${id}${name}`} />
            <rect width="28" height="16" fill={fillOf(`${id}${name}`, name)} className={classes.swatch} />
          </svg>
          {t(`readiness.class.${name}`)}
        </li>
      ))}
    </ul>
  );
}
