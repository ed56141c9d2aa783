import { useElementSize } from '@mantine/hooks';
import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useMemo, useRef, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import type { WallGroup } from '../models/wall/order';
import { headAbove, rowOf, rowsOf, stepFrom, type Step } from '../models/wall/rows';
import { useRoster, useWall, useWallState } from './useScreen';
import classes from './wall.module.css';
import { WallTile } from './WallTile';

/** Least width of a tile, px. */
const WIDTHS = { s: 112, m: 160, l: 256 } as const;
const GAP = 6;
const CAPTION = 22;
const HEAD = 30;
const OVERSCAN = 3;

const STEPS: Partial<Record<string, Step>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
  PageUp: 'pageUp',
  PageDown: 'pageDown',
  '[': 'previousGroup',
  ']': 'nextGroup',
};

/** All tiles of the wall; only those in sight exist. */
export function WallGrid() {
  const { t } = useTranslation();
  const session = useWall();
  const order = useWallState((s) => s.order);
  const size = useWallState((s) => s.layout.size);
  const at = useWallState((s) => s.at);
  const scroller = useRef<HTMLDivElement>(null);
  const { ref: sized, width } = useElementSize<HTMLDivElement>();
  const id = useId();
  const columns = Math.max(1, Math.floor((width + GAP) / (WIDTHS[size] + GAP)));
  const tile = width === 0 ? WIDTHS[size] : (width - GAP * (columns - 1)) / columns;
  const height = Math.round((tile * 9) / 16) + CAPTION + GAP;
  const wall = useMemo(() => rowsOf(order, columns), [order, columns]);
  const virtual = useVirtualizer({
    count: wall.rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (wall.rows[index]?.kind === 'head' ? HEAD : height),
    getItemKey: (index) => wall.rows[index]?.key ?? index,
    overscan: OVERSCAN,
    // Rows come with the next frame, as pictures do; drawn within the scroll's own event they hold it up.
    useFlushSync: false,
    scrollPaddingStart: HEAD,
    rangeExtractor: useCallback(
      (range: Range) => {
        const shown = defaultRangeExtractor(range);
        const head = headAbove(wall, range.startIndex);
        return head === null || shown.includes(head) ? shown : [head, ...shown];
      },
      [wall],
    ),
  });
  const rowHeight = virtual.measure;
  useEffect(() => rowHeight(), [rowHeight, height, wall]);
  const first = virtual.range?.startIndex ?? 0;
  const stuck = headAbove(wall, first);
  const place = Math.min(at, Math.max(0, order.sites.length - 1));
  const current = order.sites[place];
  const pick = useCallback(
    (site: string) => session.go(session.wall.getState().order.place.get(site) ?? 0),
    [session],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step !== undefined) {
      const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? height) / height) - 1);
      const next = stepFrom(wall, order.sites.length, place, step, page);
      session.go(next);
      virtual.scrollToIndex(rowOf(wall, next));
      const site = order.sites[next];
      if (site !== undefined) session.point(site);
    } else if (event.key === 'Enter' && current !== undefined) session.pin(current);
    else if (event.code === 'KeyP' && current !== undefined) session.call(current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={scroller}
      className={classes.scroll}
      role="grid"
      aria-label={t('screens.wall')}
      aria-rowcount={wall.rows.length}
      tabIndex={0}
      aria-activedescendant={current === undefined ? undefined : `${id}-${current}`}
      onKeyDown={onKeyDown}
      onBlur={() => current !== undefined && session.leave(current)}
      data-testid="wall-grid"
      data-size={size}
    >
      <div ref={sized} role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = wall.rows[item.index];
          if (row === undefined) return null;
          if (row.kind === 'head') {
            const group = order.groups[row.group];
            const sticks = item.index === stuck;
            return (
              <div
                key={row.key}
                role="row"
                aria-rowindex={item.index + 1}
                className={classes.head}
                data-stuck={sticks}
                style={sticks ? undefined : { transform: `translateY(${item.start}px)` }}
              >
                {group !== undefined && <Heading group={group} />}
              </div>
            );
          }
          return (
            <div
              key={row.key}
              role="row"
              aria-rowindex={item.index + 1}
              className={classes.row}
              style={{
                transform: `translateY(${item.start}px)`,
                gridTemplateColumns: `repeat(${columns}, 1fr)`,
              }}
            >
              {order.sites.slice(row.from, row.to).map((site, i) => (
                <WallTile
                  key={site}
                  site={site}
                  id={`${id}-${site}`}
                  active={row.from + i === place}
                  onActive={pick}
                />
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Whose tiles follow, and how many of them are in the meeting. */
function Heading({ group }: { group: WallGroup }) {
  const { t } = useTranslation();
  const { roster } = useWall();
  useRoster();
  const joined = group.sites.filter((site) => roster.sites.get(site)?.joined).length;
  return (
    <span role="rowheader">
      <b>{group.title === '' ? t('screens.elsewhere') : group.title}</b>{' '}
      {t('screens.present', { joined: formatNumber(joined), of: formatNumber(group.sites.length) })}
    </span>
  );
}
