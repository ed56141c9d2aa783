import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { http } from '../http';
import type { Unit } from '../protocol/types';
import classes from './sheets.module.css';

export const titleOf = (unit: Unit, nation: string) =>
  unit.level === 'nation' ? nation : `${unit.kind} ${unit.name}`;

/** One unit, found by its name or code. */
export function UnitPicker({ onPick }: { onPick: (unit: Unit) => void }) {
  const { t } = useTranslation();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 150);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const found = useQuery({
    queryKey: ['units', asked],
    queryFn: ({ signal }) => http.searchUnits(asked, 12, signal),
    enabled: asked !== '',
  });
  const matches = found.data ?? [];
  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(code) => {
        const match = matches.find((m) => m.unit.code === code);
        if (match) onPick(match.unit);
        setQuery('');
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target>
        <TextInput
          label={t('sheets.unit')}
          placeholder={t('sheets.unitSearch')}
          leftSection={<Icon name="search" size={16} />}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            combobox.openDropdown();
          }}
          onFocus={() => combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
          data-testid="sheets-unit"
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={asked === ''}>
        <Combobox.Options aria-label={t('sheets.unit')}>
          {matches.map((m) => (
            <Combobox.Option key={m.unit.code} value={m.unit.code}>
              {titleOf(m.unit, t('nation'))}
              <small className={classes.path}>{[m.path, m.unit.code].filter(Boolean).join(' · ')}</small>
            </Combobox.Option>
          ))}
          {matches.length === 0 && (
            <Combobox.Empty>{found.isFetching ? t('app.loading') : t('sheets.unitNone')}</Combobox.Empty>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
