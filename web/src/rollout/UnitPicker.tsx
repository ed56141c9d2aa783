import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';

interface UnitPickerProps {
  label: string;
  onPick: (unit: { code: string; path: string }) => void;
  testid: string;
  autoFocus?: boolean;
}

/** Finds one unit by name or code; what is typed acts only when a unit is chosen.
 *
 * Keys that come before the options do are not lost: the arrow marks the first when it is there, and Enter takes it if
 * it is the only one. Of several, none is taken that nobody has seen. */
export function UnitPicker({ label, onPick, testid, autoFocus = false }: UnitPickerProps) {
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
  const settled = asked === query.trim() && !found.isPending;
  /** Keys that came before the options; null: none did. */
  const early = useRef<{ enter: boolean } | null>(null);
  /** Option that such a key has marked, by its id; the library says only what its own keys mark. */
  const [marked, setMarked] = useState<string | null>(null);
  const pick = (code: string) => {
    const match = matches.find((one) => one.unit.code === code);
    if (match) onPick({ code, path: match.path });
    setQuery('');
    setMarked(null);
    combobox.closeDropdown();
  };
  const { selectFirstOption, clickSelectedOption } = combobox;
  const only = matches.length === 1;
  useEffect(() => {
    if (!settled || early.current === null) return;
    const { enter } = early.current;
    early.current = null;
    setMarked(selectFirstOption());
    if (enter && only) clickSelectedOption();
  }, [settled, only, selectFirstOption, clickSelectedOption]);
  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
    if (settled || query.trim() === '') {
      if (arrow) setMarked(null);
      return;
    }
    const enter = event.key === 'Enter' && early.current !== null;
    if (!arrow && !enter) return;
    event.preventDefault();
    early.current = { enter };
  };
  return (
    <Combobox store={combobox} withinPortal={false} onOptionSubmit={pick}>
      <Combobox.Target
        withExpandedAttribute
        withKeyboardNavigation={settled}
        {...(marked === null ? {} : { 'aria-activedescendant': marked })}
      >
        <TextInput
          autoFocus={autoFocus}
          label={label}
          placeholder={t('rollout.picker.placeholder')}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            early.current = null;
            setMarked(null);
            combobox.openDropdown();
            combobox.resetSelectedOption();
          }}
          onKeyDown={onKeyDown}
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
