import { TextInput } from '@mantine/core';
import { useDeferredValue, useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import type { Found, SiteNode } from '../models/roster';
import { Results } from './Results';
import classes from './roster.module.css';
import { Tree } from './Tree';
import { useDesk, useDeskState, useMeetingState, useRosterVersion } from './useDesk';

/** Find any site, or walk the tree to it. */
export function RosterPanel() {
  const { t } = useTranslation();
  const session = useDesk();
  const phase = useDeskState((s) => s.roster);
  const version = useRosterVersion();
  const state = useMeetingState();
  const centre = state?.kind === 'centre';
  const line = state?.stage.line_up;
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<number | null>(null);
  const list = useId();
  const asked = useDeferredValue(query);
  const found = useMemo<Found>(
    () => session.roster.search(asked),
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [session, asked, version],
  );
  const searching = query.trim() !== '';
  const active = chosen ?? (found.certain === null ? null : found.sites.indexOf(found.certain));

  /** Only to look at it: in a centre Enter would ring it. To line it up: the preview stays as it is. */
  const act = (site: SiteNode | null | undefined, how: 'choose' | 'select' | 'lineUp' = 'choose') => {
    if (!site) return;
    session.select({ kind: 'site', id: site.id });
    session.roster.reveal(site.id);
    setQuery('');
    setChosen(null);
    if (how === 'choose') void session.choose(site.id);
    // Already in line stays in line: the key of the find box never takes a site out.
    else if (how === 'lineUp' && !(line ?? []).includes(site.id)) void session.lineUp(site.id);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const last = found.sites.length - 1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setChosen(active === null ? (step === 1 ? 0 : last) : Math.min(last, Math.max(0, active + step)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      // Who types fast presses Enter before the list has followed: what counts is what stands in the box.
      const meant =
        asked === query
          ? active === null
            ? null
            : found.sites[active]
          : session.roster.search(event.currentTarget.value).certain;
      // Ambiguous: nothing is chosen, nothing happens.
      if (!meant) return;
      act(meant, event.shiftKey ? 'select' : event.ctrlKey || event.metaKey ? 'lineUp' : 'choose');
      // The next Enter is the desk's: it cuts.
      event.currentTarget.blur();
    } else if (event.key === 'Escape' && searching) {
      event.preventDefault();
      setQuery('');
      setChosen(null);
    }
  };

  return (
    <div className={classes.panel}>
      <div className={classes.find}>
        <TextInput
          size="sm"
          type="search"
          role="combobox"
          aria-label={t('desk.find')}
          aria-expanded={searching}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={searching && active !== null ? `${list}-${active}` : undefined}
          placeholder={`${t('desk.find')}: ${t('desk.findExample')}`}
          leftSection={<Icon name="search" size={16} />}
          rightSection={<kbd className="dc-kbd">/</kbd>}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setChosen(null);
          }}
          onKeyDown={onKeyDown}
          data-testid="roster-search"
        />
        {searching && (
          <p className={classes.verdict} role="status">
            {found.total === 0
              ? t('desk.noResult', { query })
              : active === null
                ? t('desk.ambiguous', { n: formatNumber(found.total) })
                : t(centre ? 'lookup.certainCentre' : 'lookup.certain')}
          </p>
        )}
      </div>
      {searching ? (
        <Results id={list} sites={found.sites} active={active} onPick={(index) => act(found.sites[index])} />
      ) : phase === 'ready' ? (
        <Tree />
      ) : (
        <p className={classes.empty} role="status">
          {phase === 'loading' ? t('app.loading') : t('desk.rosterFailed')}
          {phase === 'failed' && (
            <button type="button" onClick={() => void session.loadRoster()}>
              {t('app.retry')}
            </button>
          )}
        </p>
      )}
      {searching && found.total > found.sites.length && (
        <p className={classes.more}>+{formatNumber(found.total - found.sites.length)}</p>
      )}
    </div>
  );
}
