import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import { narrows, NOTHING_ASKED, type Asked } from '../models/asked';
import type { Ask } from './FilterBar';
import classes from './page.module.css';

/** How many there are; when there are none, why, and the one thing to do about it. */
export function Found({
  total,
  what,
  asked,
  pending,
  onAsk,
  children,
}: {
  /** Null while it is not known. */
  total: number | null;
  what: 'findings' | 'calls';
  asked: Asked;
  pending: boolean;
  onAsk: Ask;
  /** What can be done with them. */
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const narrowed = narrows(asked);
  const none = total === 0;
  // Everything that was found may be done: the usual list shows only what is not.
  const hidden = none && !narrowed && what === 'findings' && asked.standing !== 'all';
  const clear = () => onAsk({ ...NOTHING_ASKED, standing: asked.standing });
  return (
    <div className={none ? classes.nothing : classes.bar} data-testid="found">
      <strong role="status" data-testid="found-total">
        {pending
          ? t('app.loading')
          : total === null
            ? ''
            : none
              ? t(
                  narrowed
                    ? `inspections.none.${what}`
                    : hidden
                      ? `inspections.none.${asked.standing === 'overdue' ? 'overdue' : 'open'}`
                      : `inspections.none.${what}Ever`,
                )
              : t(`inspections.total.${what}`, { n: formatNumber(total) })}
      </strong>
      {none && !narrowed && !hidden && <p>{t('inspections.none.how')}</p>}
      {hidden && (
        <Button variant="default" onClick={() => onAsk({ standing: 'all' })}>
          {t('inspections.none.showAll')}
        </Button>
      )}
      {narrowed && (
        <Button size={none ? 'sm' : 'compact-sm'} variant="default" onClick={clear} data-testid="asked-clear">
          {t('inspections.clear')}
        </Button>
      )}
      {!none && children}
    </div>
  );
}
