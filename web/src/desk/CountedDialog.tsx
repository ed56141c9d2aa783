import { SegmentedControl, TextInput } from '@mantine/core';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fold } from '../models/fold';
import { pathOf, siteTitle, type SiteNode } from '../models/roster';
import { Dialog } from '../parts/Dialog';
import classes from './counted.module.css';
import { Results } from './Results';
import { useDesk } from './useDesk';

/** One of the lists behind a figure. */
export interface CountedSide {
  value: string;
  label: string;
  sites: readonly SiteNode[];
  /** What is said when nobody is in it. */
  empty: string;
  /** What is said above it, when it is not the whole list. */
  note?: string;
}

interface CountedProps {
  title: string;
  label: string;
  /** The first is what is asked: who is missing. */
  sides: readonly CountedSide[];
  onClose: () => void;
}

/** What a figure was counted from. A choice selects the site and opens the tree at it. */
export function CountedDialog({ title, label, sides, onClose }: CountedProps) {
  const { t } = useTranslation();
  const session = useDesk();
  const [chosen, setChosen] = useState<string | null>(null);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState<number | null>(null);
  const list = useId();
  const side = sides.find((s) => s.value === chosen) ?? sides[0];
  const all = side?.sites ?? NOBODY;
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
  return (
    <Dialog opened onClose={onClose} title={title} size="lg">
      <div className={classes.head}>
        <SegmentedControl
          aria-label={label}
          value={side?.value ?? ''}
          onChange={(value) => {
            setChosen(value);
            setActive(null);
          }}
          data={sides.map(({ value, label }) => ({ value, label }))}
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
      {side?.note !== undefined && <p className={classes.note}>{side.note}</p>}
      <div className={classes.list} data-testid="counted-list">
        {shown.length === 0 ? (
          <p role="status">{all.length === 0 ? side?.empty : t('desk.noResult', { query })}</p>
        ) : (
          <Results id={list} sites={shown} active={active} onPick={pick} />
        )}
      </div>
    </Dialog>
  );
}

const NOBODY: readonly SiteNode[] = [];

function matching(sites: readonly SiteNode[], query: string): readonly SiteNode[] {
  const words = fold(query).split(' ').filter(Boolean);
  if (words.length === 0) return sites;
  return sites.filter((site) => {
    const text = fold(`${siteTitle(site)} ${pathOf(site)} ${site.unit?.code ?? ''}`);
    return words.every((word) => text.includes(word));
  });
}
