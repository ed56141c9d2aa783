import { Button, Progress } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { vi } from '../i18n/vi';
import { imports, type Import } from './api';
import classes from './import.module.css';

type Reason = keyof typeof vi.rollout.reason;
const isKnown = (code: string): code is Reason => code in vi.rollout.reason;

interface OutcomeProps {
  job: Import;
  act: (work: Promise<Import>) => Promise<void>;
}

/** What an import will do, does, has done: counts, progress, and the rows that are not taken. */
export function Outcome({ job, act }: OutcomeProps) {
  const { t } = useTranslation();
  const reason = (code: string) => (isKnown(code) ? t(`rollout.reason.${code}`) : code);
  const working = job.status === 'checking' || job.status === 'running';
  const was = job.status === 'done' || (job.status === 'stopped' && job.checked);
  const { created, changed, same } = job.sites;
  if (!job.mapped && !working) return null;
  const counts = [
    ['created', created],
    ['changed', changed],
    ['same', same],
    ['rejected', job.rejected],
    ['waiting', job.asked],
  ] as const;
  return (
    <section className={classes.section} aria-labelledby="import-outcome" data-testid="import-outcome">
      <h2 id="import-outcome">{t(was ? 'rollout.import.did' : 'rollout.import.will')}</h2>
      {working && (
        <div className={classes.working}>
          <span role="status">
            {t(`rollout.import.${job.status === 'running' ? 'running' : 'checking'}`, {
              done: formatNumber(job.progress.done),
              of: formatNumber(job.progress.of),
            })}
          </span>
          <Progress
            value={job.progress.of === 0 ? 0 : (100 * job.progress.done) / job.progress.of}
            aria-label={t('rollout.import.steps.run')}
            transitionDuration={0}
          />
          <Button
            variant="default"
            size="compact-md"
            onClick={() => void act(imports.stop(job.id))}
            data-testid="import-stop"
          >
            {t('rollout.import.stop')}
          </Button>
        </div>
      )}
      {job.status === 'done' && (
        <p role="status" className={classes.good} data-testid="import-done">
          <Icon name="check" /> {t('rollout.import.done')}
        </p>
      )}
      {job.status === 'stopped' && (
        <p role="status" className={classes.alert}>
          {t(job.checked ? 'rollout.import.stopped' : 'rollout.import.stoppedChecking')}
        </p>
      )}
      {job.status === 'failed' && (
        <p role="alert" className={classes.alert}>
          {t('rollout.import.failed')}
        </p>
      )}
      <dl className={classes.counts}>
        {counts.map(([name, count]) => (
          <div key={name} data-kind={name} data-zero={count === 0 || undefined}>
            <dd data-testid={`count-${name}`}>{formatNumber(count)}</dd>
            <dt>{t(`rollout.import.${name}`)}</dt>
          </div>
        ))}
      </dl>
      {!working && (
        <div className={classes.row}>
          {job.checked && created + changed > 0 && job.status !== 'done' && (
            <Button onClick={() => void act(imports.run(job.id))} data-testid="import-run" size="md">
              {job.status === 'ready'
                ? t('rollout.import.run', { sites: formatNumber(created + changed) })
                : t('rollout.import.runAgain')}
            </Button>
          )}
          {(!job.checked || job.status === 'failed') && (
            <Button variant="default" onClick={() => void act(imports.map(job.id, { rows: 1 }))}>
              {t('rollout.import.checkAgain')}
            </Button>
          )}
          {job.checked && job.status === 'ready' && created + changed === 0 && (
            <p>{t('rollout.import.nothing')}</p>
          )}
          {job.asked > 0 && job.status === 'ready' && (
            <p className={classes.hint}>{t('rollout.import.waitingHint')}</p>
          )}
        </div>
      )}
      {!working && job.rejected > 0 && (
        <div>
          <div className={classes.between}>
            <h3>{t('rollout.import.reasons')}</h3>
            <div className={classes.row}>
              <span className={classes.hint}>{t('rollout.import.downloadHint')}</span>
              {(['xlsx', 'csv'] as const).map((format) => (
                <Button
                  key={format}
                  component="a"
                  href={imports.rejected(job.id, format)}
                  download
                  variant="default"
                  aria-label={`${t('rollout.import.download')} .${format}`}
                  data-testid={`rejected-${format}`}
                >
                  {format === 'xlsx' ? `${t('rollout.import.download')} .xlsx` : '.csv'}
                </Button>
              ))}
            </div>
          </div>
          <ul className={classes.reasons}>
            {Object.entries(job.reasons).map(([code, count]) => (
              <li key={code}>
                <strong>{formatNumber(count)}</strong> {reason(code)}
              </li>
            ))}
          </ul>
          <table className={classes.rejections}>
            <thead>
              <tr>
                <th scope="col" className={classes.number}>
                  {t('rollout.import.row')}
                </th>
                <th scope="col">{t('rollout.import.reasonColumn')}</th>
                <th scope="col">{t('rollout.import.detail')}</th>
              </tr>
            </thead>
            <tbody>
              {job.rejections.slice(0, 50).map((one) => (
                <tr key={one.row} data-testid="import-rejection">
                  <th scope="row" className={classes.number}>
                    {one.row}
                  </th>
                  <td>{reason(one.code)}</td>
                  <td>{one.detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {job.rejected > 50 && (
            <p className={classes.hint}>
              {t('rollout.import.firstOnly', { shown: 50, all: formatNumber(job.rejected) })}
            </p>
          )}
        </div>
      )}
    </section>
  );
}
