import { useTranslation } from 'react-i18next';
import classes from './readiness.module.css';

/** Numbers that a touch calls, where the machine can. */
export function Phones({ numbers }: { numbers: readonly string[] }) {
  const { t } = useTranslation();
  if (numbers.length === 0) return t('readiness.noPhone');
  return numbers.map((number, i) => (
    <span key={number}>
      {i > 0 && ', '}
      <a
        className={classes.phone}
        href={`tel:${number.replace(/máy lẻ.*$/, '').replace(/[^\d+]/g, '')}`}
        aria-label={t('waves.call', { phone: number })}
      >
        {number}
      </a>
    </span>
  ));
}
