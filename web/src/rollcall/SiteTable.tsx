import { useVirtualizer } from '@tanstack/react-virtual';
import { useId, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { formatExact } from '../i18n/format';
import type { RollRow } from '../protocol/types';
import classes from './rollcall.module.css';
import { Evidence, Mismatch, SaysMark, useReasonText } from './marks';

const ROW = 46;
const HEAD = 31;

export interface SiteTableProps {
  rows: readonly RollRow[];
  active: string | null;
  selected: ReadonlySet<string>;
  label: string;
  onActive: (site: string) => void;
  onSelected: (sites: ReadonlySet<string>) => void;
  onKey: (key: string, row: RollRow) => boolean;
}

/** Sites as rows, worked by keyboard; only those in sight exist. */
export function SiteTable({ rows, active, selected, label, onActive, onSelected, onKey }: SiteTableProps) {
  const { t } = useTranslation();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<number | null>(null);
  const at = Math.max(
    0,
    rows.findIndex((row) => row.site === active),
  );

  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.site ?? index,
    overscan: 10,
    // Below the heading, which stays in view.
    scrollPaddingEnd: HEAD,
  });

  const reach = (from: number, to: number) => {
    const chosen = rows.slice(Math.min(from, to), Math.max(from, to) + 1);
    onSelected(new Set([...selected, ...chosen.map((row) => row.site)]));
  };
  const go = (index: number, extend: boolean) => {
    const to = Math.min(rows.length - 1, Math.max(0, index));
    const row = rows[to];
    if (!row) return;
    if (extend) {
      anchor.current ??= at;
      reach(anchor.current, to);
    } else anchor.current = null;
    onActive(row.site);
    list.scrollToIndex(to, { align: 'auto' });
  };
  const toggle = (site: string) => {
    const next = new Set(selected);
    if (!next.delete(site)) next.add(site);
    onSelected(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Keys of a link inside a row are its own.
    if (event.target !== event.currentTarget) return;
    const row = rows[at];
    if (!row) return;
    const to: Partial<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + 10,
      PageUp: at - 10,
      Home: 0,
      End: rows.length - 1,
    };
    const next = to[event.key];
    if (next !== undefined) go(next, event.shiftKey);
    else if (event.key === ' ') toggle(row.site);
    else if (event.code === 'KeyA' && (event.ctrlKey || event.metaKey))
      onSelected(new Set(rows.map((one) => one.site)));
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Letters by their place, so that a Vietnamese input method does not swallow them.
    else if (!onKey(event.code === 'NumpadEnter' ? 'Enter' : event.code, row)) return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent, row: RollRow, index: number) => {
    if (event.shiftKey) reach(at, index);
    else if (event.ctrlKey || event.metaKey) toggle(row.site);
    onActive(row.site);
  };

  return (
    <div
      ref={scroller}
      className={classes.sites}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable
      tabIndex={0}
      aria-activedescendant={rows[at] ? `${id}-${rows[at].site}` : undefined}
      onKeyDown={onKeyDown}
      data-testid="roll-sites"
    >
      <div role="rowgroup">
        <div role="row" className={classes.siteHead}>
          <span role="columnheader">{t('rollcall.site')}</span>
          <span role="columnheader">{t('rollcall.said')}</span>
          <span role="columnheader" className={classes.machine}>
            {t('rollcall.machine')}
          </span>
          <span role="columnheader">{t('rollcall.head')}</span>
          <span role="columnheader">{t('rollcall.phone')}</span>
        </div>
      </div>
      <div role="rowgroup" style={{ height: list.getTotalSize(), position: 'relative' }}>
        {list.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              key={row.site}
              id={`${id}-${row.site}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={selected.has(row.site)}
              className={classes.site}
              data-active={item.index === at}
              data-trouble={row.contradictions.length > 0}
              data-editable={row.editable}
              style={{ transform: `translateY(${item.start}px)` }}
              onClick={(event) => onClick(event, row, item.index)}
              onDoubleClick={() => onKey('Enter', row)}
              data-testid="roll-site"
              data-site={row.site}
              data-says={row.says ?? 'unsaid'}
            >
              <SiteCells row={row} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function SiteCells({ row }: { row: RollRow }) {
  const { t } = useTranslation();
  const reason = useReasonText();
  const words = [reason(row.reason, row.text), row.note].filter(Boolean).join(' · ');
  return (
    <>
      <span role="gridcell" className={classes.cell}>
        <strong>{row.label}</strong>
        <small>{row.path.split(', ').slice(1).join(', ')}</small>
      </span>
      <span
        role="gridcell"
        className={classes.cell}
        title={
          row.at === null ? undefined : t('rollcall.by', { by: row.by, at: formatExact(Date.parse(row.at)) })
        }
      >
        <SaysMark says={row.says} />
        <small>{words}</small>
      </span>
      <span role="gridcell" className={`${classes.cell} ${classes.machine}`}>
        <Evidence row={row} />
        <Mismatch codes={row.contradictions} />
      </span>
      <span role="gridcell" className={classes.cell}>
        {row.head?.name ?? ''}
        <small>{row.head?.title ?? ''}</small>
      </span>
      <span role="gridcell" className={classes.cell}>
        {row.phones.length === 0 ? (
          <small>{t('rollcall.noPhone')}</small>
        ) : (
          row.phones.slice(0, 2).map((phone) => (
            <a key={phone} href={`tel:${phone.replace(/[^+\d]/g, '')}`} tabIndex={-1}>
              {phone}
            </a>
          ))
        )}
      </span>
    </>
  );
}
