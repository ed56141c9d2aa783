import { Button, SegmentedControl } from '@mantine/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { formatExact, formatNumber } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { readyOf, shareClass } from '../models/readiness';
import type { ReadinessAnswer, ReadinessCause, ReadinessState, ReadinessUnit } from '../protocol/types';
import { CarrierTable } from './CarrierTable';
import { Causes, Funnel } from './Funnel';
import { Legend } from './map/Legend';
import { NationMap } from './map/NationMap';
import { PointMap } from './map/PointMap';
import { regions } from './map/shapes';
import classes from './readiness.module.css';
import { SiteList, type ListFilter } from './SiteList';
import { UnitGrid } from './UnitGrid';
import { UnitTable } from './UnitTable';
import { useMe } from '../parts/useMe';
import { useReadiness } from './useReadiness';

const TABS = ['byUnit', 'byCarrier', 'list'] as const;
type Tab = (typeof TABS)[number];
const FILTERS = ['state', 'cause', 'carrier', 'q'] as const;

/** How far every site is: funnel, map, tables, the list of what is missing. What is shown is in the address. */
export default function Readiness() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [params, setParams] = useSearchParams();
  const unit = params.get('don-vi');
  const me = useMe();
  const found = useReadiness(unit, me.data?.kind === 'person');

  const open = (code: string | null, tab?: Tab, filter: ListFilter = {}) => {
    const next = new URLSearchParams();
    if (code !== null) next.set('don-vi', code);
    const shown = tab ?? tabOf(params);
    if (shown !== 'byUnit') next.set('xem', shown);
    for (const key of FILTERS) {
      const value = filter[key];
      if (value !== undefined) next.set(key, value);
    }
    setParams(next);
  };
  const answer = found.data;
  return (
    <div className={classes.page} data-testid="readiness">
      <h1>{t('readiness.title')}</h1>
      {found.isError && (
        <p role="alert" className={classes.alert}>
          {answer
            ? t('readiness.stale', { at: formatExact(found.dataUpdatedAt) })
            : errorText(codeOf(found.error))}{' '}
          <Button size="compact-sm" variant="default" onClick={() => void found.refetch()}>
            {t('app.retry')}
          </Button>
        </p>
      )}
      {!answer && !found.isError && <p role="status">{t('app.loading')}</p>}
      {answer && <Board answer={answer} params={params} open={open} />}
    </div>
  );
}

interface BoardProps {
  answer: ReadinessAnswer;
  params: URLSearchParams;
  open: (code: string | null, tab?: Tab, filter?: ListFilter) => void;
}

function Board({ answer, params, open }: BoardProps) {
  const { t } = useTranslation();
  const { unit, children, policy } = answer;
  const tab = tabOf(params);
  const filter = filterOf(params);
  const drill = (code: string) => {
    // Below a unit without children there is nothing but its sites.
    const leaf = children.find((c) => c.code === code)?.level === 'commune';
    open(code, leaf ? 'list' : undefined);
  };
  const toList = (to: ListFilter) => open(unit.code, 'list', to);
  return (
    <>
      <Crumbs answer={answer} open={(code) => open(code)} />
      <Funnel counts={unit.counts} rehearsal={policy.rehearsal} onOpen={(state) => toList({ state })} />
      <div className={classes.says}>
        <Causes counts={unit.counts} onOpen={(cause) => toList({ cause })} />
        <p className={classes.note}>
          <ForecastText answer={answer} />{' '}
          <span className={classes.policy}>
            {t('readiness.policy', { days: policy.test_days, hours: policy.seen_hours })}
          </span>
        </p>
      </div>
      <div className={classes.split}>
        <section className={classes.left} aria-label={t('readiness.map')}>
          <Picture answer={answer} onOpen={drill} />
        </section>
        <section className={classes.right}>
          <SegmentedControl
            value={tab}
            onChange={(value) => open(unit.code, value)}
            data={TABS.map((value) => ({ value, label: t(`readiness.${value}`) }))}
            data-testid="readiness-tabs"
          />
          {tab === 'byUnit' && <UnitTable units={children} onOpen={drill} />}
          {tab === 'byCarrier' && (
            <CarrierTable
              carriers={answer.carriers}
              onOpen={(carrier) => toList({ carrier: carrier ?? '' })}
            />
          )}
          {tab === 'list' && (
            <SiteList
              unit={unit.code}
              filter={filter}
              carriers={answer.carriers.map((c) => c.carrier)}
              rehearsal={policy.rehearsal}
              onFilter={toList}
            />
          )}
        </section>
      </div>
    </>
  );
}

/** The country by its map; below, points where they are known, and tiles. */
function Picture({ answer, onOpen }: { answer: ReadinessAnswer; onOpen: (code: string) => void }) {
  const { t } = useTranslation();
  const { dataset, unit, children } = answer;
  if (unit.level === 'nation' && regions(dataset).length > 0)
    return (
      <NationMap
        dataset={dataset}
        provinces={children.map((u) => ({ ...u, share: shareClass(u.counts), said: said(t, u) }))}
        onOpen={onOpen}
        label={t('readiness.map')}
        legend={t('readiness.legend')}
      />
    );
  return (
    <div className={classes.below}>
      {unit.level === 'province' && (
        <PointMap dataset={dataset} province={unit} units={children} onOpen={onOpen} />
      )}
      <UnitGrid units={children} onOpen={onOpen} />
      <Legend />
    </div>
  );
}

function said(t: TFunction, unit: ReadinessUnit): string {
  const name = `${unit.kind} ${unit.name}`;
  if (unit.counts.total === 0) return t('readiness.noSites', { name });
  return t('readiness.of', {
    name,
    ready: formatNumber(readyOf(unit.counts)),
    total: formatNumber(unit.counts.total),
  });
}

function Crumbs({ answer, open }: { answer: ReadinessAnswer; open: (code: string) => void }) {
  const { t } = useTranslation();
  const nameOf = (u: { level: string; kind: string; name: string }) =>
    u.level === 'nation' ? t('readiness.nation') : `${u.kind} ${u.name}`;
  return (
    <nav className={classes.crumbs} aria-label={t('readiness.above')}>
      {answer.above.map((u) => (
        <span key={u.code}>
          <button type="button" onClick={() => open(u.code)}>
            {nameOf(u)}
          </button>
          <span aria-hidden="true"> › </span>
        </span>
      ))}
      <strong aria-current="page">{nameOf(answer.unit)}</strong>
      {answer.roots.length > 1 &&
        answer.roots
          .filter((u) => u.code !== answer.unit.code)
          .map((u) => (
            <button key={u.code} type="button" className={classes.other} onClick={() => open(u.code)}>
              {nameOf(u)}
            </button>
          ))}
    </nav>
  );
}

function ForecastText({ answer }: { answer: ReadinessAnswer }) {
  const { t } = useTranslation();
  const { kind, per_hour, earliest, latest } = answer.forecast;
  if (answer.unit.counts.total === 0) return t('readiness.empty');
  const pace = formatNumber(Math.round(per_hour ?? 0));
  const at = (text: string | null) => (text === null ? '' : formatExact(Date.parse(text)).slice(0, -3));
  if (kind === 'range' && latest === null)
    return t('readiness.forecast.open', { pace, earliest: at(earliest) });
  if (kind === 'range')
    return t('readiness.forecast.range', { pace, earliest: at(earliest), latest: at(latest) });
  return t(`readiness.forecast.${kind}`, { pace });
}

function tabOf(params: URLSearchParams): Tab {
  const wanted = params.get('xem');
  return TABS.find((tab) => tab === wanted) ?? 'byUnit';
}

function filterOf(params: URLSearchParams): ListFilter {
  const take = (key: string) => params.get(key) ?? undefined;
  return {
    state: take('state') as ReadinessState | undefined,
    cause: take('cause') as ReadinessCause | undefined,
    carrier: take('carrier'),
    q: take('q'),
  };
}
