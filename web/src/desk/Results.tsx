import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Mark, MicMark } from '../design/marks';
import { micOf, standingOf } from '../models/floor';
import { pathOf, siteTitle, type SiteNode } from '../models/roster';
import classes from './roster.module.css';
import { useMeetingState } from './useDesk';

interface ResultsProps {
  id: string;
  sites: readonly SiteNode[];
  active: number | null;
  onPick: (index: number) => void;
}

/** Matches with what is above them: district and province always, so that namesakes are told apart. */
export function Results({ id, sites, active, onPick }: ResultsProps) {
  const { t } = useTranslation();
  const state = useMeetingState();
  const scroller = useRef<HTMLDivElement>(null);
  // The library's functions change with the scroll; nothing here is memoised on them.
  const rows = useVirtualizer({
    count: sites.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 46,
    overscan: 8,
  });
  useEffect(() => {
    if (active !== null) rows.scrollToIndex(active);
  }, [active, rows]);
  return (
    // A long list scrolls: it has to be reachable by keyboard.
    <div ref={scroller} className={classes.scroll} tabIndex={0}>
      <div
        id={id}
        role="listbox"
        aria-label={t('desk.results')}
        style={{ height: rows.getTotalSize(), position: 'relative' }}
      >
        {rows.getVirtualItems().map((row) => {
          const site = sites[row.index];
          if (!site) return null;
          const mic = micOf(state, site.id);
          return (
            <div
              key={site.id}
              id={`${id}-${row.index}`}
              role="option"
              aria-selected={row.index === active}
              className={classes.result}
              style={{ transform: `translateY(${row.start}px)` }}
              onClick={() => onPick(row.index)}
              data-testid="roster-row"
              data-site={site.id}
            >
              <Mark name={standingOf(state, site.id, site.joined)} />
              <span className={classes.label}>
                {siteTitle(site)}
                <small>{[pathOf(site), site.unit?.code].filter(Boolean).join(' · ')}</small>
              </span>
              {mic !== 'off' && <MicMark mic={mic} />}
            </div>
          );
        })}
      </div>
    </div>
  );
}
