import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatDay, formatNumber } from '../i18n/format';
import { classOf } from '../models/readiness';
import { CommuneTiles } from '../many/CommuneTiles';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import { NationMap } from '../rollout/map/NationMap';
import { regions } from '../rollout/map/shapes';
import { inspections, type Covered } from './api';
import { todayIn } from './FindingMarks';
import classes from './page.module.css';

const DAYS = ['7', '30', '90', '365', ''] as const;

/** Which units were inspected when: the map, and the same as a table. */
export function CoverageTab() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const now = useNow();
  const [unit, setUnit] = useState<string | null>(null);
  const [days, setDays] = useState<string>('30');
  const since = days === '' ? null : todayIn(now - Number(days) * 86_400_000);
  const found = useQuery({
    queryKey: ['coverage', unit, since],
    queryFn: ({ signal }) => inspections.coverage(unit, since, signal),
  });
  const nameOf = (one: Covered) =>
    one.level === 'nation' ? t('inspections.nation') : `${one.kind} ${one.name}`;
  const last = (one: Covered) =>
    one.last === null ? t('inspections.never') : formatDay(Date.parse(one.last));
  const said = (one: Covered): string =>
    one.units === 0
      ? t('inspections.noUnits', { name: nameOf(one) })
      : t('inspections.coverageSaid', {
          name: nameOf(one),
          done: formatNumber(one.inspected),
          total: formatNumber(one.units),
          last: last(one),
        });
  const answer = found.data;
  const open = (code: string) => {
    if (answer?.children.find((c) => c.code === code)?.level !== 'commune') setUnit(code);
  };
  const map = answer?.unit.level === 'nation' && regions(answer.dataset).length > 0;
  return (
    <>
      <div className={classes.bar}>
        <Select
          label={t('inspections.since')}
          value={days}
          onChange={(value) => setDays(value ?? '')}
          allowDeselect={false}
          data={DAYS.map((value) => ({
            value,
            label:
              value === '' ? t('inspections.sinceAll') : t('inspections.sinceDays', { n: Number(value) }),
          }))}
        />
      </div>
      {found.isError && <p role="alert">{errorText(codeOf(found.error))}</p>}
      {found.isPending && <p role="status">{t('app.loading')}</p>}
      {answer && (
        <>
          <nav className={classes.crumbs} aria-label={t('readiness.above')}>
            {answer.above.map((one) => (
              <span key={one.code}>
                <button type="button" onClick={() => setUnit(one.code)}>
                  {nameOf(one)}
                </button>
                <span aria-hidden="true"> › </span>
              </span>
            ))}
            <strong aria-current="page">{said(answer.unit)}</strong>
          </nav>
          <CommuneTiles
            communes={answer.children.filter((one) => one.level === 'commune')}
            nameOf={nameOf}
            said={said}
          />
          <div className={map ? classes.split : undefined}>
            {map && (
              <NationMap
                dataset={answer.dataset}
                provinces={answer.children.map((one) => ({
                  ...one,
                  share: classOf(one.inspected, one.units),
                  said: said(one),
                }))}
                onOpen={open}
                label={t('inspections.map')}
                legend={t('inspections.legend')}
              />
            )}
            <div className={classes.scroll}>
              <table className={classes.table} data-testid="coverage">
                <thead>
                  <tr>
                    {(['unit', 'units', 'inspected', 'times', 'open', 'last'] as const).map((name) => (
                      <th key={name} scope="col" className={name === 'unit' ? undefined : classes.number}>
                        {t(`inspections.col.${name}`)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {answer.children.map((one) => (
                    <tr key={one.code} data-unit={one.code}>
                      <th scope="row">
                        {one.level === 'commune' ? (
                          nameOf(one)
                        ) : (
                          <button type="button" onClick={() => open(one.code)}>
                            {nameOf(one)}
                          </button>
                        )}
                      </th>
                      <td className={classes.number}>{formatNumber(one.units)}</td>
                      <td className={classes.number}>{formatNumber(one.inspected)}</td>
                      <td className={classes.number}>{formatNumber(one.inspections)}</td>
                      <td className={classes.number}>{formatNumber(one.open)}</td>
                      <td className={classes.number}>{last(one)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        </>
      )}
    </>
  );
}
