import { Checkbox, Switch } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { formatExact, formatNumber } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import { RehearsalBoard } from './RehearsalBoard';
import classes from './rehearsals.module.css';
import { rehearsals, type RehearsalShown } from './rehearsalsApi';
import { RehearsalStart, type ChosenWave } from './RehearsalStart';
import { useReadiness } from './useReadiness';

const POLL_MS = 10_000;

/** Rehearsals: begin one, watch it, look at past ones. Which is open is in the address. */
export default function Rehearsals() {
  const [params, setParams] = useSearchParams();
  const id = params.get('dot');
  if (id !== null) return <RehearsalBoard key={id} id={id} />;
  const wave = params.get('wave');
  return (
    <Overview
      wave={wave === null ? null : { id: wave, name: params.get('name') ?? wave }}
      open={(made) => setParams({ dot: made.id })}
    />
  );
}

function Overview({ wave, open }: { wave: ChosenWave | null; open: (made: RehearsalShown) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const me = useMe();
  const may = me.data?.may.includes('rehearsal.run') ?? false;
  const list = useQuery({
    queryKey: ['rehearsals'],
    queryFn: ({ signal }) => rehearsals.list(signal),
    refetchInterval: POLL_MS,
  });
  return (
    <div className={classes.page} data-testid="rehearsals">
      <h1>{t('rehearsal.title')}</h1>
      <p className={classes.intro}>{t('rehearsal.intro')}</p>
      {may && <RehearsalStart key={wave?.id} wave={wave} onMade={open} />}
      <Demand />
      <section className={classes.block} aria-label={t('rehearsal.list.title')}>
        <h2>{t('rehearsal.list.title')}</h2>
        {list.isPending && <p role="status">{t('app.loading')}</p>}
        {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
        {list.data?.length === 0 && <p>{t('rehearsal.list.empty')}</p>}
        {list.data !== undefined && list.data.length > 0 && <List rows={list.data} />}
      </section>
    </div>
  );
}

function List({ rows }: { rows: readonly RehearsalShown[] }) {
  const { t } = useTranslation();
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t('rehearsal.list.name')}</th>
          <th scope="col">{t('rehearsal.list.status')}</th>
          <th scope="col">{t('rehearsal.list.when')}</th>
          <th scope="col" className={classes.number}>
            {t('rehearsal.list.through')}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={one.id} data-testid="rehearsal-row" data-status={one.status}>
            <th scope="row">
              <Link to={`?dot=${one.id}`}>{one.title}</Link>
            </th>
            <td>{t(`rehearsal.status.${one.status}`)}</td>
            <td>{formatExact(Date.parse(one.started_at ?? one.starts_at)).slice(0, -3)}</td>
            <td className={classes.number}>
              {formatNumber(one.passed)}/{formatNumber(one.sites)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Whether a ready site must have rehearsed: the whole nation's rule. */
function Demand() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const me = useMe();
  const nation = me.data?.grants.some(
    (grant) => grant.unit === 'VN' && ['technician', 'director'].includes(grant.role),
  );
  const found = useReadiness(null, me.data?.may.includes('site.see') ?? false);
  const [failed, setFailed] = useState<string | null>(null);
  const policy = found.data?.policy;
  if (!policy) return null;
  const change = async (rehearsal: boolean) => {
    setFailed(null);
    try {
      await rehearsals.demand({ ...policy, rehearsal });
      await queries.invalidateQueries({ queryKey: ['readiness'] });
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <div className={classes.demand}>
      {nation === true ? (
        <Switch
          checked={policy.rehearsal}
          onChange={(event) => void change(event.currentTarget.checked)}
          label={t('rehearsal.policy.label')}
          description={t('rehearsal.policy.only')}
          data-testid="demand"
        />
      ) : (
        <Checkbox
          checked={policy.rehearsal}
          disabled
          label={t('rehearsal.policy.label')}
          description={t('rehearsal.policy.only')}
        />
      )}
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
    </div>
  );
}
