import { Button, Progress } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatMinute, formatNumber } from '../i18n/format';
import { cancel, fileOf, progress, type SheetsJob } from './sheetsApi';
import classes from './sheets.module.css';

const POLL_MS = 700;
const running = (job: SheetsJob) => job.state === 'waiting' || job.state === 'running';

/** A print job: how far it is, the way to stop it, and its document, once. */
export function JobCard({ first }: { first: SheetsJob }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = ['sheets-job', first.id];
  const { data: job } = useQuery({
    queryKey: key,
    queryFn: () => progress(first.id),
    initialData: first,
    refetchInterval: ({ state }) =>
      state.data && (running(state.data) || state.data.state === 'ready') ? POLL_MS : false,
  });
  const { state } = job;
  useEffect(() => {
    // Codes are good now, or were not issued: the list says so.
    if (state === 'ready') void queries.invalidateQueries({ queryKey: ['sheets-devices'] });
  }, [state, queries]);
  const numbers = {
    done: formatNumber(job.done),
    total: formatNumber(job.total),
    size: `${formatNumber(Math.max(1, Math.round(job.bytes / 1e5)) / 10)} MB`,
    time: formatMinute(Date.parse(job.expires_at)),
  };
  return (
    <section className={classes.job} data-testid="sheets-job" data-state={state} aria-live="polite">
      {running(job) && (
        <>
          <p>{state === 'waiting' ? t('sheets.queued') : t('sheets.printing', numbers)}</p>
          <Progress
            value={(100 * job.done) / Math.max(1, job.total)}
            aria-label={t('sheets.printing', numbers)}
          />
          <Button
            variant="default"
            onClick={() => void cancel(job.id).then((ended) => queries.setQueryData(key, ended))}
            data-testid="sheets-stop"
          >
            {t('sheets.stop')}
          </Button>
        </>
      )}
      {state === 'ready' && (
        <>
          <p className={classes.good}>
            <Icon name="check" />
            {t('sheets.ready', numbers)}
          </p>
          <Button
            component="a"
            href={fileOf(job.id)}
            download
            className={classes.download}
            leftSection={<Icon name="down" />}
            data-testid="sheets-download"
          >
            {t('sheets.download')}
          </Button>
        </>
      )}
      {state !== 'waiting' && state !== 'running' && state !== 'ready' && (
        <p className={classes.good}>
          <Icon name={state === 'fetched' ? 'check' : 'warning'} />
          {t(`sheets.${state}`)}
        </p>
      )}
    </section>
  );
}
