import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Icon } from '../../design/icons';
import { formatDay, formatNumber } from '../../i18n/format';
import { byDay, dayStart, daysUntil, type DayOfWaves } from '../../models/waves';
import { useErrorText } from '../../parts/useErrorText';
import { useNow } from '../../parts/useNow';
import { codeOf } from '../../protocol/failure';
import { waves, type Wave } from './api';
import { FunnelBar } from './Bars';
import { Invited } from './Invited';
import { PlanDialog } from './PlanDialog';
import classes from './waves.module.css';

const POLL_MS = 5_000;

/** All waves by day, each with its funnel and what its sites were told; the way to plan more. */
export default function Waves() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [planning, setPlanning] = useState(false);
  const list = useQuery({
    queryKey: ['waves'],
    queryFn: ({ signal }) => waves.list(signal),
    refetchInterval: POLL_MS,
  });
  const found = list.data;
  return (
    <div className={classes.page} data-testid="waves">
      <div className={classes.head}>
        <h1>{t('waves.title')}</h1>
        {found?.plans && (
          <Button onClick={() => setPlanning(true)} data-testid="waves-plan">
            {t('waves.plan')}
          </Button>
        )}
      </div>
      <p className={classes.quiet}>{t('waves.intro')}</p>
      {list.isPending && <p role="status">{t('app.loading')}</p>}
      {list.isError && (
        <p role="alert" className={classes.note}>
          {errorText(codeOf(list.error))}
          <Button size="compact-sm" variant="default" onClick={() => void list.refetch()}>
            {t('app.retry')}
          </Button>
        </p>
      )}
      {found && (
        <>
          <p className={classes.note} data-testid="waves-unplanned">
            {found.unplanned > 0 ? (
              <>
                <span className={classes.warn}>
                  <Icon name="warning" size={16} />
                  {t('waves.unplanned', { n: formatNumber(found.unplanned) })}
                </span>
                {found.plans && (
                  <Button size="compact-sm" variant="default" onClick={() => setPlanning(true)}>
                    {t('waves.planThem')}
                  </Button>
                )}
              </>
            ) : (
              <span className={classes.good}>
                <Icon name="check" size={16} />
                {t('waves.all')}
              </span>
            )}
          </p>
          {found.waves.length === 0 && (
            <p>
              <strong>{t('waves.none')}</strong> {t('waves.noneHint')}
            </p>
          )}
          <ol className={classes.days} aria-label={t('waves.waves')}>
            {byDay(found.waves).map((one) => (
              <Day key={one.day} day={one} />
            ))}
          </ol>
        </>
      )}
      {planning && <PlanDialog onClose={() => setPlanning(false)} />}
    </div>
  );
}

function Day({ day }: { day: DayOfWaves }) {
  const { t, i18n } = useTranslation();
  const until = daysUntil(day.day, useNow());
  const weekday = new Intl.DateTimeFormat(i18n.language === 'en' ? 'en-GB' : 'vi-VN', {
    weekday: 'long',
    timeZone: 'Asia/Ho_Chi_Minh',
  }).format(dayStart(day.day));
  const when =
    until === 0
      ? t('waves.today')
      : until === 1
        ? t('waves.tomorrow')
        : until > 0
          ? t('waves.inDays', { n: until })
          : t('waves.past');
  return (
    <li className={classes.day} data-today={until === 0}>
      <div className={classes.date}>
        <strong>{formatDay(dayStart(day.day))}</strong>
        <span className={classes.small}>
          {weekday}, {when}
          <br />
          {t('waves.ready', { ready: formatNumber(day.ready), total: formatNumber(day.total) })}
        </span>
      </div>
      <ul className={classes.inDay}>
        {day.waves.map((wave) => (
          <Row key={wave.id} wave={wave} over={until < 0} />
        ))}
      </ul>
    </li>
  );
}

function Row({ wave, over }: { wave: Wave; over: boolean }) {
  const { t } = useTranslation();
  const left = wave.counts.total - (wave.counts.states.ready ?? 0);
  return (
    <li className={classes.wave} data-testid="wave-row">
      <span>
        <Link to={wave.id}>{wave.name}</Link>
        <small>
          {wave.start}–{wave.end} · {formatNumber(wave.counts.total)} {t('waves.sites').toLowerCase()} ·{' '}
          {wave.path}
        </small>
      </span>
      <FunnelBar counts={wave.counts} />
      <span>
        <Invited wave={wave} />
        {over && left > 0 && (
          <span className={classes.warn}>
            <Icon name="warning" size={14} />
            {t('waves.late', { n: formatNumber(left) })}
          </span>
        )}
        {left === 0 && wave.counts.total > 0 && (
          <span className={classes.good}>
            <Icon name="check" size={14} />
            {t('waves.allReady')}
          </span>
        )}
      </span>
    </li>
  );
}
