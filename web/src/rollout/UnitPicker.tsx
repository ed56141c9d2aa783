import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';

interface UnitPickerProps {
  label: string;
  onPick: (unit: { code: string; path: string }) => void;
  testid: string;
}

/** Finds one unit by name or code; what is typed acts only when a unit is chosen. */
export function UnitPicker({ label, onPick, testid }: UnitPickerProps) {
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
      withinPortal={false}
      onOptionSubmit={(code) => {
        const match = matches.find((one) => one.unit.code === code);
        if (match) onPick({ code, path: match.path });
        setQuery('');
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target>
        <TextInput
          label={label}
          placeholder={t('rollout.picker.placeholder')}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            combobox.openDropdown();
            combobox.updateSelectedOptionIndex();
          }}
          onFocus={() => combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
          data-testid={testid}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={asked === ''}>
        <Combobox.Options mah={240} style={{ overflowY: 'auto' }} aria-label={label}>
          {matches.map((match) => (
            <Combobox.Option key={match.unit.code} value={match.unit.code}>
              {match.path} <span style={{ opacity: 0.75 }}>{match.unit.code}</span>
            </Combobox.Option>
          ))}
          {found.isSuccess && matches.length === 0 && (
            <Combobox.Empty>{t('rollout.picker.nothing')}</Combobox.Empty>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
