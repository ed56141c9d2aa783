import { useElementSize } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Mark, MicMark } from '../design/marks';
import { formatExact, formatNumber, relativeSpan } from '../i18n/format';
import { micOf, standingOf } from '../models/floor';
import { titleOf } from '../models/roster';
import { staleAfter } from '../models/wall/stale';
import { useNow } from '../parts/useNow';
import {
  useDesk,
  useDeskState,
  useMay,
  useMeetingState,
  useNames,
  useRosterVersion,
  useStill,
} from './useDesk';
import classes from './wall.module.css';

const TILE = 148;
const GAP = 6;
const CAPTION = 22;

/** Standing-by pictures of the chosen subtree: one size, name below, age in the corner. */
export function Wall() {
  const { t } = useTranslation();
  const session = useDesk();
  const { roster } = session;
  const code = useDeskState((s) => s.wall);
  const version = useRosterVersion();
  const { ref: sized, width } = useElementSize<HTMLDivElement>();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const [presentOnly, setPresentOnly] = useState(true);
  const id = useId();

  const unit = code === null ? null : (roster.units.get(code) ?? null);
  const sites = useMemo(
    () => {
      const all = unit === null ? roster.allSites() : roster.sitesUnder(unit.code);
      return presentOnly ? all.filter((id) => roster.sites.get(id)?.joined === true) : all;
    },
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [roster, unit, version, presentOnly],
  );
  const columns = Math.max(1, Math.floor((width + GAP) / (TILE + GAP)));
  const tile = width === 0 ? TILE : (width - GAP * (columns - 1)) / columns;
  const height = (tile * 9) / 16 + CAPTION + GAP;
  const rows = useVirtualizer({
    count: Math.ceil(sites.length / columns),
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 2,
  });
  const at = Math.min(active, Math.max(0, sites.length - 1));
  const go = (index: number) => {
    const next = Math.min(sites.length - 1, Math.max(0, index));
    const site = sites[next];
    if (site === undefined) return;
    setActive(next);
    session.select({ kind: 'site', id: site });
    rows.scrollToIndex(Math.floor(next / columns));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step: Partial<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: sites.length - 1,
    };
    const to = step[event.key];
    const site = sites[at];
    if (to !== undefined) go(to);
    else if (event.key === 'Enter' && site !== undefined) void session.preview(site);
    else return;
    event.preventDefault();
  };

  return (
    <section className={classes.wall} data-region="wall">
      <h2 className={classes.head}>
        {t('desk.wall')} <span>{unit === null ? t('desk.wallAll') : titleOf(unit)}</span>{' '}
        <span>{formatNumber(sites.length)}</span>
        {unit !== null && (
          <button type="button" className={classes.all} onClick={() => session.showWall(null)}>
            {t('desk.wallAll')}
          </button>
        )}
        <label className={classes.filter}>
          <input
            type="checkbox"
            checked={presentOnly}
            onChange={(event) => setPresentOnly(event.currentTarget.checked)}
          />
          {t('desk.wallPresent')}
        </label>
      </h2>
      {sites.length === 0 ? (
        <p className={classes.empty}>{presentOnly ? t('desk.wallNobody') : t('desk.wallEmpty')}</p>
      ) : (
        <div
          ref={scroller}
          className={classes.scroll}
          role="listbox"
          aria-label={t('desk.wall')}
          tabIndex={0}
          aria-activedescendant={sites[at] === undefined ? undefined : `${id}-${sites[at]}`}
          onKeyDown={onKeyDown}
        >
          <div ref={sized} role="presentation" style={{ height: rows.getTotalSize(), position: 'relative' }}>
            {rows.getVirtualItems().map((row) => (
              <div
                key={row.key}
                role="presentation"
                className={classes.row}
                style={{
                  transform: `translateY(${row.start}px)`,
                  gridTemplateColumns: `repeat(${columns}, 1fr)`,
                }}
              >
                {sites.slice(row.index * columns, (row.index + 1) * columns).map((site, i) => (
                  <Tile
                    key={site}
                    id={`${id}-${site}`}
                    site={site}
                    active={row.index * columns + i === at}
                    onPick={() => {
                      setActive(row.index * columns + i);
                      session.select({ kind: 'site', id: site });
                    }}
                  />
                ))}
              </div>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}

function Tile({
  id,
  site,
  active,
  onPick,
}: {
  id: string;
  site: string;
  active: boolean;
  onPick: () => void;
}) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const name = useNames()(site);
  const joined = session.roster.sites.get(site)?.joined ?? false;
  const may = useMay();
  const still = useStill(joined ? site : null);
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  const selected = useDeskState((s) => s.selected?.kind === 'site' && s.selected.id === site);
  const standing = standingOf(state, site, joined);
  const mic = micOf(state, site);
  const age = still.at === null ? null : now - still.at;
  const limit = useStore(session.wire.state, (s) => staleAfter(s.pictureS));
  const stale = age !== null && age > limit;
  return (
    <div
      id={id}
      role="option"
      aria-selected={selected}
      className={classes.tile}
      data-active={active}
      data-standing={standing}
      onClick={onPick}
      onDoubleClick={() => void session.preview(site)}
      data-testid="wall-tile"
      data-site={site}
    >
      <div className={classes.picture} data-stale={stale}>
        {still.url === null ? (
          <span className={classes.blank}>
            {!joined ? t('mark.absent') : t(may('site.snapshot') ? 'desk.noPicture' : 'desk.noPictureFor')}
          </span>
        ) : (
          <img src={still.url} alt="" draggable={false} />
        )}
        {age !== null && (
          <time className={classes.age} title={formatExact(still.at ?? 0)}>
            {stale && <Mark name="degraded" size={12} silent />}
            {relativeSpan(t, age)}
          </time>
        )}
      </div>
      <p className={classes.caption} title={`${name.title}, ${name.path}`}>
        <Mark name={standing} size={12} />
        <span>{name.title}</span>
        {mic !== 'off' && <MicMark mic={mic} size={12} />}
      </p>
    </div>
  );
}
