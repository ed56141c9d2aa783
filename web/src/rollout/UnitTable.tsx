import { useTranslation } from 'react-i18next';
import { formatNumber, formatShare } from '../i18n/format';
import { readyOf } from '../models/readiness';
import type { ReadinessCounts, ReadinessState, ReadinessUnit } from '../protocol/types';
import classes from './readiness.module.css';

/** The units right below, one a row; a row opens its unit. */
export function UnitTable({
  units,
  onOpen,
}: {
  units: readonly ReadinessUnit[];
  onOpen: (code: string) => void;
}) {
  const { t } = useTranslation();
  if (units.length === 0) return <p>{t('readiness.noChildren')}</p>;
  return (
    <CountTable
      first={t('readiness.unit')}
      testid="unit-table"
      rows={units.map((unit) => ({
        key: unit.code,
        name: `${unit.kind} ${unit.name}`,
        counts: unit.counts,
        open: () => onOpen(unit.code),
      }))}
    />
  );
}

interface CountRow {
  key: string;
  name: string;
  counts: ReadinessCounts;
  open: () => void;
}

export function CountTable({ first, rows, testid }: { first: string; rows: CountRow[]; testid: string }) {
  const { t } = useTranslation();
  const reached = (counts: ReadinessCounts, from: readonly ReadinessState[]) =>
    formatNumber(from.reduce((sum, state) => sum + (counts.states[state] ?? 0), 0));
  return (
    <div className={classes.scroll}>
      <table className={classes.table} data-testid={testid}>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            <th scope="col">{t('readiness.total')}</th>
            <th scope="col">{t('readiness.step.activated')}</th>
            <th scope="col">{t('readiness.step.tested')}</th>
            <th scope="col">{t('readiness.ready')}</th>
            <th scope="col">{t('readiness.share')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, name, counts, open }) => {
            const share = counts.total === 0 ? 0 : readyOf(counts) / counts.total;
            return (
              <tr key={key} data-row={key}>
                <th scope="row">
                  <button type="button" onClick={open}>
                    {name}
                  </button>
                </th>
                <td>{formatNumber(counts.total)}</td>
                <td>{reached(counts, ['activated', 'tested', 'rehearsed', 'ready'])}</td>
                <td>{reached(counts, ['tested', 'rehearsed', 'ready'])}</td>
                <td data-testid="row-ready">{formatNumber(readyOf(counts))}</td>
                <td className={classes.shareCell}>
                  <span className={classes.bar} aria-hidden="true">
                    <span style={{ width: `${share * 100}%` }} />
                  </span>
                  {formatShare(share)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
