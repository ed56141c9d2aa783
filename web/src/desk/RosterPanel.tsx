import { TextInput } from '@mantine/core';
import { useDeferredValue, useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import type { Found } from '../models/roster';
import { Results } from './Results';
import classes from './roster.module.css';
import { Tree } from './Tree';
import { useDesk, useDeskState, useRosterVersion } from './useDesk';

/** Find any site, or walk the tree to it. */
export function RosterPanel() {
  const { t } = useTranslation();
  const session = useDesk();
  const phase = useDeskState((s) => s.roster);
  const version = useRosterVersion();
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

  const act = (index: number) => {
    const site = found.sites[index];
    if (!site) return;
    session.select({ kind: 'site', id: site.id });
    session.roster.reveal(site.id);
    setQuery('');
    setChosen(null);
    void session.choose(site.id);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const last = found.sites.length - 1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setChosen(active === null ? (step === 1 ? 0 : last) : Math.min(last, Math.max(0, active + step)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      // Ambiguous: nothing is chosen, nothing happens.
      if (active === null || asked !== query) return;
      act(active);
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
                : t('desk.certain')}
          </p>
        )}
      </div>
      {searching ? (
        <Results id={list} sites={found.sites} active={active} onPick={act} />
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
