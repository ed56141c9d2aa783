import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../design/icons';
import { formatExact, formatNumber, relativeAge } from '../../i18n/format';
import { vi } from '../../i18n/vi';
import { reasonOf } from '../../models/waves';
import { useErrorText } from '../../parts/useErrorText';
import { useNow } from '../../parts/useNow';
import { codeOf } from '../../protocol/failure';
import { Phones } from '../Phones';
import { waves, type Sending } from './api';
import classes from './waves.module.css';

type Kept = keyof typeof vi.waves.kept;
const SEGMENTS = ['sent', 'uncertain', 'failed', 'skipped'] as const;
const kept = (error: string): Kept => (error in vi.waves.kept ? (error as Kept) : 'other');

/** A letter to many: how far it is, what keeps it, and who did not get it, with what to do. */
export function SendingCard({
  sending,
  may,
  onContact,
}: {
  sending: Sending;
  may: boolean;
  onContact: (site: string, label: string) => void;
}) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const now = useNow();
  const [open, setOpen] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const at = (state: keyof Sending['counts']) => sending.counts[state] ?? 0;
  const total = Object.values(sending.counts).reduce((sum, n) => sum + n, 0);
  const [waiting, bad] = [at('queued') + at('sending'), at('failed') + at('uncertain') + at('skipped')];
  const begun = Date.parse(sending.created_at);
  const set = async (what: 'stop' | 'resume' | 'retry' | 'retry-all') => {
    if (what === 'retry-all' && !confirm(t('waves.retryAllSure'))) return;
    try {
      await waves.set(sending.id, what);
      setRefused(null);
    } catch (error) {
      setRefused(codeOf(error));
    }
    await queries.invalidateQueries({ queryKey: ['wave', sending.wave] });
  };
  return (
    <article className={classes.sending} data-testid="sending" data-state={sending.state}>
      <div className={classes.line}>
        <span>
          <strong>{t(`waves.kindOf.${sending.kind}`)}</strong>, {t(`waves.channel.${sending.channel}`)}
          <span className={classes.small} title={formatExact(begun)}>
            {' '}
            {relativeAge(t, now - begun)}
          </span>
        </span>
        <span className={sending.state === 'done' ? classes.good : classes.warn}>
          <Icon
            name={sending.state === 'done' ? 'check' : sending.state === 'running' ? 'send' : 'warning'}
            size={14}
          />
          {t(`waves.state.${sending.state}`)}{' '}
          {t('waves.progress', { done: formatNumber(total - waiting), total: formatNumber(total) })}
        </span>
      </div>
      <span className={classes.stack} aria-hidden="true">
        {SEGMENTS.map((state) => (
          <span
            key={state}
            data-state={state}
            style={{ width: `${(100 * at(state)) / Math.max(1, total)}%` }}
          />
        ))}
      </span>
      <span className={classes.small}>
        {(['sent', 'queued', 'failed', 'uncertain', 'skipped'] as const)
          .filter((state) => at(state) > 0)
          .map((state) => `${formatNumber(at(state))} ${t(`waves.messageState.${state}`)}`)
          .join(' · ')}
      </span>
      {sending.error !== null && (
        <p className={classes.bad} role="status">
          <Icon name="warning" size={16} />
          <span>{t(`waves.kept.${kept(sending.error)}`)}</span>
        </p>
      )}
      {refused !== null && <p role="alert">{errorText(refused)}</p>}
      <div className={classes.actions}>
        {bad > 0 && (
          <Button
            size="compact-sm"
            variant="default"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            data-testid="sending-show"
          >
            {open ? t('waves.hide') : t('waves.show', { n: formatNumber(bad) })}
          </Button>
        )}
        {may && sending.channel === 'email' && (
          <>
            {sending.state === 'running' && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => void set('stop')}
                data-testid="sending-stop"
              >
                {t('waves.stop')}
              </Button>
            )}
            {sending.state === 'stopped' && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => void set('resume')}
                data-testid="sending-resume"
              >
                {t('waves.resume')}
              </Button>
            )}
            {at('failed') > 0 && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => void set('retry')}
                data-testid="sending-retry"
              >
                {t('waves.retry', { n: formatNumber(at('failed')) })}
              </Button>
            )}
            {at('uncertain') > 0 && (
              <Button size="compact-sm" variant="default" onClick={() => void set('retry-all')}>
                {t('waves.retryAll', { n: formatNumber(at('uncertain')) })}
              </Button>
            )}
          </>
        )}
      </div>
      {open && <Missed sending={sending} may={may} onContact={onContact} />}
    </article>
  );
}

function Missed({
  sending,
  may,
  onContact,
}: {
  sending: Sending;
  may: boolean;
  onContact: (site: string, label: string) => void;
}) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const list = useQuery({
    // What it counts is its key: another failure reads the list anew.
    queryKey: ['sending-missed', sending.id, sending.counts],
    queryFn: ({ signal }) => waves.messages(sending.id, signal),
    placeholderData: (before) => before,
  });
  if (list.isError) return <p role="alert">{errorText(codeOf(list.error))}</p>;
  if (!list.data) return <p role="status">{t('app.loading')}</p>;
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('waves.why')}>
      <table className={classes.table} data-testid="sending-missed">
        <thead>
          <tr>
            <th scope="col">{t('waves.sites')}</th>
            <th scope="col">{t('waves.why')}</th>
          </tr>
        </thead>
        <tbody>
          {list.data.map((one) => (
            <tr key={one.site}>
              <th scope="row">
                {one.label}
                <small>{one.path}</small>
                <small>
                  <Phones numbers={one.phones} />
                </small>
              </th>
              <td>
                <strong>{t(`waves.messageState.${one.state}`)}</strong>:{' '}
                {t(`waves.error.${reasonOf(one.error)}`)}
                {(one.address !== null || one.detail !== null) && (
                  <small>{[one.address, one.detail].filter(Boolean).join(': ')}</small>
                )}
                {may && (
                  <Button size="compact-sm" variant="default" onClick={() => onContact(one.site, one.label)}>
                    {t('waves.contact')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
