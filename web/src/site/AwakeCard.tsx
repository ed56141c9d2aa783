import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { relativeSpan } from '../i18n/format';
import classes from './awake.module.css';
import type { SiteSession } from './session';

/** Says once that this page was away: hidden, or its machine asleep; and how to set the machine up. */
export function AwakeCard({ session }: { session: SiteSession }) {
  const { t } = useTranslation();
  const { times, sleptS, hiddenS } = useStore(session.awake.store);
  const conflictAt = useStore(session.store, (s) => s.conflictAt);
  const [read, setRead] = useState(0);
  const [readConflict, setReadConflict] = useState<number | null>(null);
  if (conflictAt !== null && conflictAt !== readConflict)
    return (
      <div className={classes.card} role="alert" data-testid="conflict-card">
        <Icon name="warning" size={24} />
        <p>{t('site.conflictText')}</p>
        <Button size="md" variant="default" onClick={() => setReadConflict(conflictAt)}>
          {t('site.ask.button')}
        </Button>
      </div>
    );
  if (times === read) return null;
  const slept = sleptS !== null;
  return (
    <div className={classes.card} role="status" data-testid="awake-card">
      <Icon name="warning" size={24} />
      <p>
        {slept
          ? t('site.slept', { span: relativeSpan(t, sleptS * 1000) })
          : t('site.wasHidden', { span: relativeSpan(t, (hiddenS ?? 0) * 1000) })}{' '}
        <Link to="/chuan-bi">{t('site.prepare')}</Link>
      </p>
      <Button size="md" variant="default" onClick={() => setRead(times)} data-testid="awake-read">
        {t('site.ask.button')}
      </Button>
    </div>
  );
}
