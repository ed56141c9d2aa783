import { SegmentedControl, TextInput } from '@mantine/core';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import { fold } from '../models/fold';
import { pathOf, siteTitle, type SiteNode } from '../models/roster';
import type { Level } from '../protocol/types';
import { Dialog } from '../parts/Dialog';
import classes from './counted.module.css';
import { Results } from './Results';
import { useDesk, useRosterVersion } from './useDesk';

/** What a figure of attendance was counted from: who is missing first, for that is what is asked. */
export function CountedDialog({ level, onClose }: { level: Level | 'all'; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const version = useRosterVersion();
  const [side, setSide] = useState<'absent' | 'present'>('absent');
  const [query, setQuery] = useState('');
  const [active, setActive] = useState<number | null>(null);
  const list = useId();
  const { absent, present } = useMemo(
    () => session.roster.counted(level === 'all' ? null : level),
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [session, level, version],
  );
  const all = side === 'absent' ? absent : present;
  const shown = useMemo(() => matching(all, query), [all, query]);

  const pick = (index: number) => {
    const site = shown[index];
    if (!site) return;
    session.select({ kind: 'site', id: site.id });
    session.roster.reveal(site.id);
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive(Math.max(0, Math.min(shown.length - 1, (active ?? -1) + step)));
    } else if (event.key === 'Enter' && active !== null) {
      event.preventDefault();
      pick(active);
    }
  };
  const title = `${t('desk.attendance')} · ${level === 'all' ? t('desk.wallAll') : t(`level.${level}`)}`;
  return (
    <Dialog opened onClose={onClose} title={title} size="lg">
      <div className={classes.head}>
        <SegmentedControl
          aria-label={t('desk.attendance')}
          value={side}
          onChange={(value) => {
            setSide(value === 'present' ? 'present' : 'absent');
            setActive(null);
          }}
          data={[
            { value: 'absent', label: t('desk.countedAbsent', { n: formatNumber(absent.length) }) },
            { value: 'present', label: t('desk.countedPresent', { n: formatNumber(present.length) }) },
          ]}
        />
        <TextInput
          data-autofocus
          type="search"
          role="combobox"
          aria-label={t('desk.find')}
          aria-expanded
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={active !== null ? `${list}-${active}` : undefined}
          placeholder={t('desk.find')}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setActive(null);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className={classes.list} data-testid="counted-list">
        {shown.length === 0 ? (
          <p role="status">{all.length === 0 ? t(`desk.counted.${side}`) : t('desk.noResult', { query })}</p>
        ) : (
          <Results id={list} sites={shown} active={active} onPick={pick} />
        )}
      </div>
    </Dialog>
  );
}

function matching(sites: readonly SiteNode[], query: string): readonly SiteNode[] {
  const words = fold(query).split(' ').filter(Boolean);
  if (words.length === 0) return sites;
  return sites.filter((site) => {
    const text = fold(`${siteTitle(site)} ${pathOf(site)} ${site.unit?.code ?? ''}`);
    return words.every((word) => text.includes(word));
  });
}
