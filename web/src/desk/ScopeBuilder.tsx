import { ActionIcon, Chip, Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { LEVELS, type Level, type Unit, type UnitMatch } from '../protocol/types';
import classes from './newmeeting.module.css';

export interface ScopeLine {
  unit: Unit;
  path: string;
  levels: Level[];
}

interface ScopeBuilderProps {
  scope: ScopeLine[];
  onChange: (scope: ScopeLine[]) => void;
  error: string | null;
}

/** Levels that exist at or below a unit's own. */
function levelsBelow(level: Level): Level[] {
  return LEVELS.slice(LEVELS.indexOf(level));
}

/** Which subtrees and which levels of them are invited. */
export function ScopeBuilder({ scope, onChange, error }: ScopeBuilderProps) {
  const { t } = useTranslation();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 150);
  // Inside the dialog, so that it belongs to it for who hears the page.
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const found = useQuery({
    queryKey: ['units', asked],
    queryFn: ({ signal }) => http.searchUnits(asked, 12, signal),
    enabled: asked !== '',
  });
  const matches = found.data ?? [];
  const add = (match: UnitMatch) => {
    if (!scope.some((s) => s.unit.code === match.unit.code))
      onChange([...scope, { unit: match.unit, path: match.path, levels: levelsBelow(match.unit.level) }]);
    setQuery('');
    combobox.closeDropdown();
  };
  return (
    <div>
      <Combobox
        store={combobox}
        withinPortal={false}
        onOptionSubmit={(code) => {
          const match = matches.find((m) => m.unit.code === code);
          if (match) add(match);
        }}
      >
        <Combobox.Target>
          <TextInput
            label={t('desk.scope')}
            description={t('desk.scopeHint')}
            placeholder={t('desk.scopeSearch')}
            leftSection={<Icon name="search" size={16} />}
            value={query}
            error={error}
            onChange={(event) => {
              setQuery(event.currentTarget.value);
              combobox.openDropdown();
            }}
            onFocus={() => combobox.openDropdown()}
            onBlur={() => combobox.closeDropdown()}
            data-testid="scope-search"
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={asked === ''}>
          <Combobox.Options aria-label={t('desk.scope')}>
            {matches.map((m) => (
              <Combobox.Option key={m.unit.code} value={m.unit.code}>
                {m.unit.level === 'nation' ? t('nation') : `${m.unit.kind} ${m.unit.name}`}
                <small className={classes.path}>
                  {[m.path, m.unit.code, m.alike > 1 ? t('desk.scopeAlike', { count: m.alike }) : null]
                    .filter(Boolean)
                    .join(' · ')}
                </small>
              </Combobox.Option>
            ))}
            {matches.length === 0 && (
              <Combobox.Empty>{found.isFetching ? t('app.loading') : t('desk.scopeNone')}</Combobox.Empty>
            )}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
      {scope.length === 0 ? (
        <p className={classes.none}>{t('desk.scopeEmpty')}</p>
      ) : (
        <ul className={classes.scope}>
          {scope.map((line, i) => (
            <ScopeRow
              key={line.unit.code}
              line={line}
              onLevels={(levels) => onChange(scope.map((s, j) => (i === j ? { ...s, levels } : s)))}
              onRemove={() => onChange(scope.filter((_, j) => j !== i))}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

function ScopeRow({
  line,
  onLevels,
  onRemove,
}: {
  line: ScopeLine;
  onLevels: (levels: Level[]) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const name = line.unit.level === 'nation' ? t('nation') : `${line.unit.kind} ${line.unit.name}`;
  return (
    <li>
      <span className={classes.unit}>
        {name}
        <small className={classes.path}>
          {t('desk.unitsBelow', { n: formatNumber(line.unit.children) })}
        </small>
      </span>
      <Chip.Group
        multiple
        value={line.levels}
        onChange={(levels) => onLevels(LEVELS.filter((level) => levels.includes(level)))}
      >
        <div role="group" aria-label={`${t('desk.levels')}: ${name}`} className={classes.levels}>
          {levelsBelow(line.unit.level).map((level) => (
            <Chip key={level} value={level} size="xs">
              {t(`level.${level}`)}
            </Chip>
          ))}
        </div>
      </Chip.Group>
      <ActionIcon variant="subtle" color="gray" onClick={onRemove} aria-label={t('desk.remove', { name })}>
        <Icon name="close" size={16} />
      </ActionIcon>
    </li>
  );
}
