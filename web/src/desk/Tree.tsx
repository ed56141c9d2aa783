import { useVirtualizer } from '@tanstack/react-virtual';
import { useId, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { formatNumber } from '../i18n/format';
import { micOf, standingOf } from '../models/floor';
import { siteTitle, titleOf, type Row } from '../models/roster';
import type { MeetingState } from '../protocol/types';
import classes from './roster.module.css';
import { RowMenu, type At } from './RowMenu';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useRosterVersion } from './useDesk';
import { StepMark } from './StepMark';

const ROW = 28;

/** The whole country as a tree; only the rows in sight exist. */
export function Tree() {
  const { t } = useTranslation();
  const session = useDesk();
  const { roster } = session;
  const state = useMeetingState();
  const selected = useDeskState((s) => s.selected);
  const version = useRosterVersion();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  // The roster is mutable: its version stands for it.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
  const rows = useMemo(() => roster.rows(), [roster, version]);
  const [menu, setMenu] = useState<At | null>(null);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const selectedKey = selected === null ? null : selected.kind === 'site' ? selected.id : selected.code;
  const active = Math.max(
    0,
    rows.findIndex((r) => r.key === (activeKey ?? selectedKey)),
  );
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    getItemKey: (i) => rows[i]?.key ?? i,
    overscan: 12,
  });

  const go = (index: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (!row) return;
    setActiveKey(row.key);
    choose(row);
    list.scrollToIndex(index, { align: 'auto' });
  };
  const choose = (row: Row) => {
    session.select(
      row.node.kind === 'site' ? { kind: 'site', id: row.node.id } : { kind: 'unit', code: row.node.code },
    );
  };
  /** By pointer on a row, by key on the one that is active. */
  const openMenu = (row: Row | undefined, x: number, y: number) => {
    if (!row) return;
    setActiveKey(row.key);
    choose(row);
    setMenu({ row, x, y });
  };
  /** The library gives the focus back only to what opened a menu that was there before. */
  const closeMenu = () => {
    setMenu(null);
    scroller.current?.focus({ preventScroll: true });
  };
  const openMenuByKey = () => {
    const row = rows[active];
    list.scrollToIndex(active, { align: 'auto' });
    const shown = document.getElementById(`${id}-${row?.key ?? ''}`) ?? scroller.current;
    const box = shown?.getBoundingClientRect();
    openMenu(row, (box?.left ?? 0) + 24, Math.min(box?.bottom ?? 0, innerHeight));
  };
  const onContextMenu = (event: MouseEvent) => {
    event.preventDefault();
    const key = event.target instanceof Element ? event.target.closest('[role=treeitem]')?.id : undefined;
    if (key === undefined) openMenuByKey();
    else
      openMenu(
        rows.find((row) => `${id}-${row.key}` === key),
        event.clientX,
        event.clientY,
      );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (!row) return;
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault();
      openMenuByKey();
      return;
    }
    const step: Partial<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + 15,
      PageUp: active - 15,
      Home: 0,
      End: rows.length - 1,
    };
    const to = step[event.key];
    if (to !== undefined) go(to);
    else if (event.key === 'ArrowRight') {
      if (row.node.kind === 'unit' && !row.expanded) roster.expand(row.node.code, true);
      else if (row.node.kind === 'unit') go(active + 1);
    } else if (event.key === 'ArrowLeft') {
      if (row.node.kind === 'unit' && row.expanded) roster.expand(row.node.code, false);
      else go(parentIndex(rows, active));
    } else if (event.key === 'Enter') {
      if (row.node.kind === 'site') void session.choose(row.node.id);
      else roster.expand(row.node.code, !row.expanded);
    } else return;
    event.preventDefault();
  };

  if (rows.length === 0) return <p className={classes.empty}>{t('desk.rosterEmpty')}</p>;
  return (
    <>
      <div
        ref={scroller}
        className={classes.scroll}
        role="tree"
        aria-label={t('desk.tree')}
        tabIndex={0}
        aria-activedescendant={`${id}-${rows[active]?.key ?? ''}`}
        onKeyDown={onKeyDown}
        onContextMenu={onContextMenu}
      >
        <div role="presentation" style={{ height: list.getTotalSize(), position: 'relative' }}>
          {list.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <div
                key={row.key}
                id={`${id}-${row.key}`}
                role="treeitem"
                aria-level={row.depth + 1}
                aria-expanded={row.node.kind === 'unit' ? row.expanded : undefined}
                aria-selected={row.key === selectedKey}
                className={classes.row}
                data-active={item.index === active}
                style={{ transform: `translateY(${item.start}px)`, paddingLeft: 6 + row.depth * 14 }}
                onClick={() => {
                  setActiveKey(row.key);
                  choose(row);
                  if (row.node.kind === 'unit') roster.expand(row.node.code, !row.expanded);
                }}
                onDoubleClick={() => {
                  if (row.node.kind === 'site') void session.choose(row.node.id);
                }}
                data-testid="roster-row"
                data-site={row.node.kind === 'site' ? row.node.id : undefined}
                data-unit={row.node.kind === 'unit' ? row.node.code : undefined}
              >
                <RowBody row={row} state={state} />
              </div>
            );
          })}
        </div>
      </div>
      <RowMenu at={menu} onClose={closeMenu} />
    </>
  );
}

function RowBody({ row, state }: { row: Row; state: MeetingState | null }) {
  const { node } = row;
  const steps = useLiveMeeting((s) => s.steps);
  if (node.kind === 'unit')
    return (
      <>
        <Icon name={row.expanded ? 'down' : 'right'} size={14} />
        <span className={classes.label}>{titleOf(node)}</span>
        <span className={classes.count} data-full={node.joined === node.invited}>
          {formatNumber(node.joined)}/{formatNumber(node.invited)}
        </span>
      </>
    );
  const mic = micOf(state, node.id);
  const step = steps.get(node.id);
  return (
    <>
      <span className={classes.gutter} />
      <Mark name={standingOf(state, node.id, node.joined)} />
      <span className={classes.label}>{siteTitle(node)}</span>
      {step !== undefined && <StepMark step={step} />}
      {mic !== 'off' && <MicMark mic={mic} />}
    </>
  );
}

function parentIndex(rows: readonly Row[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  for (let i = index - 1; i >= 0; i--) if ((rows[i]?.depth ?? 0) < depth) return i;
  return index;
}
