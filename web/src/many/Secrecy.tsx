import { useTranslation } from 'react-i18next';
import type { Secrecy } from '../protocol/types';
import classes from './secrecy.module.css';

/** The mark in one word; nothing where there is none. */
export function SecrecyMark({ mark, fixed = false }: { mark: Secrecy | undefined; fixed?: boolean }) {
  const { t } = useTranslation();
  if (mark === undefined || mark === 'none') return null;
  const look = fixed ? `${classes.mark ?? ''} ${classes.fixed ?? ''}` : classes.mark;
  return (
    <span className={look} data-testid="secrecy-mark" data-mark={mark}>
      {t(`many.secrecy.${mark}`)}
    </span>
  );
}

/** The same over the whole width, with what it means. */
export function SecrecyBand({ mark }: { mark: Secrecy | undefined }) {
  const { t } = useTranslation();
  if (mark === undefined || mark === 'none') return null;
  return (
    <p className={classes.band} role="note" data-testid="secrecy-band">
      <SecrecyMark mark={mark} />
      <span>{t('many.secrecy.band')}</span>
    </p>
  );
}
