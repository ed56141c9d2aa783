import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Mark } from '../design/marks';
import { formatExact, formatMinute, formatNumber } from '../i18n/format';
import { troubles, type Branch } from '../models/rollcall';
import classes from './rollcall.module.css';

/** Provinces as rows, human and machine side by side, what does not fit first. */
export function ProvinceTable({
  branches,
  chosen,
  onChoose,
  onEnter,
}: {
  branches: readonly Branch[];
  chosen: string | null;
  onChoose: (unit: string | null) => void;
  onEnter: () => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  const body = useRef<HTMLDivElement>(null);
  const total = sum(branches);
  // While somebody points at or works in the list it keeps its order: no row slips away under a hand.
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const hold = () => setHeld((before) => before ?? branches.map((branch) => branch.unit));
  const place = new Map(held?.map((unit, index) => [unit, index]));
  const ordered =
    held === null
      ? branches
      : [...branches].sort((a, b) => (place.get(a.unit) ?? 1e6) - (place.get(b.unit) ?? 1e6));
  const rows: (Branch & { key: string | null })[] = [
    { ...total, name: t('rollcall.everything'), key: null },
    ...ordered.map((branch) => ({ ...branch, key: branch.unit })),
  ];
  const at = Math.max(
    0,
    rows.findIndex((row) => row.key === chosen),
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const to: Partial<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + 12,
      PageUp: at - 12,
    };
    const next = to[event.key];
    if (event.key === 'Enter' || event.key === 'ArrowRight') onEnter();
    else if (next === undefined) return;
    else {
      const index = Math.max(0, Math.min(rows.length - 1, next));
      onChoose(rows[index]?.key ?? null);
      body.current?.children[index]?.scrollIntoView({ block: 'nearest' });
    }
    event.preventDefault();
  };
  return (
    <div
      className={classes.provinces}
      role="grid"
      aria-label={t('rollcall.provinces')}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      aria-activedescendant={`${id}-${at}`}
      onKeyDown={onKeyDown}
      onFocus={hold}
      onPointerEnter={hold}
      onBlur={() => setHeld(null)}
      onPointerLeave={(event) => {
        if (event.currentTarget !== document.activeElement) setHeld(null);
      }}
      data-testid="roll-provinces"
    >
      <div role="rowgroup">
        <div role="row" className={classes.provinceHead}>
          <span role="columnheader">{t('rollcall.province')}</span>
          <span role="columnheader" className={classes.number}>
            {t('rollcall.says.present')}
          </span>
          <span role="columnheader" className={classes.number}>
            {t('rollcall.filter.absent')}
          </span>
          <span role="columnheader" className={classes.number}>
            {t('rollcall.says.unsaid')}
          </span>
          <span role="columnheader" className={`${classes.number} ${classes.machine}`}>
            {t('rollcall.connected')}
          </span>
          <span role="columnheader" className={classes.number}>
            {t('rollcall.mismatch')}
          </span>
          <span role="columnheader">
            <span className="dc-hidden">{t('rollcall.confirmed')}</span>
          </span>
        </div>
      </div>
      <div role="rowgroup" ref={body}>
        {rows.map((row, index) => (
          <div
            key={row.key ?? '*'}
            id={`${id}-${index}`}
            role="row"
            aria-selected={index === at}
            className={classes.province}
            data-trouble={troubles(row) > 0}
            data-testid="roll-province"
            data-unit={row.key ?? ''}
            onClick={() => onChoose(row.key)}
          >
            <span role="gridcell" className={classes.name}>
              {short(row.name)}
            </span>
            <span role="gridcell" className={classes.number}>
              {formatNumber(row.present)}/{formatNumber(row.of)}
            </span>
            <span role="gridcell" className={classes.number} data-zero={row.absent === 0}>
              {formatNumber(row.absent)}
            </span>
            <span role="gridcell" className={classes.number} data-zero={row.unsaid === 0}>
              {formatNumber(row.unsaid)}
            </span>
            <span role="gridcell" className={`${classes.number} ${classes.machine}`}>
              {formatNumber(row.connected)}/{formatNumber(row.of)}
            </span>
            <span role="gridcell" className={classes.number} data-zero={row.contradictions === 0}>
              {row.contradictions > 0 && <Mark name="incident" silent size={12} />}
              {formatNumber(row.contradictions)}
            </span>
            <span role="gridcell" className={classes.tick}>
              {row.confirmed !== null && (
                <span
                  data-trouble={row.confirmed.contradictions.length > 0}
                  title={[
                    t('rollcall.confirmedAt', {
                      at: formatExact(Date.parse(row.confirmed.at)),
                      by: row.confirmed.by,
                    }),
                    ...row.confirmed.contradictions.map((code) => t(`rollcall.contradiction.${code}`)),
                  ].join(' · ')}
                >
                  {row.confirmed.contradictions.length > 0 ? (
                    <Mark name="incident" size={12} />
                  ) : (
                    <Icon name="check" size={14} />
                  )}
                  {formatMinute(Date.parse(row.confirmed.at))}
                  <span className="dc-hidden">{t('rollcall.confirmed')}</span>
                </span>
              )}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** The word for a province says nothing in a list of provinces. */
const short = (name: string): string => name.replace(/^Tỉnh /, '').replace(/^Thành phố /, 'TP. ');

function sum(branches: readonly Branch[]): Branch {
  const total: Branch = {
    unit: '',
    name: '',
    of: 0,
    present: 0,
    absent: 0,
    unsaid: 0,
    connected: 0,
    contradictions: 0,
    confirmed: null,
  };
  for (const one of branches)
    for (const key of ['of', 'present', 'absent', 'unsaid', 'connected', 'contradictions'] as const)
      total[key] += one[key];
  return total;
}
