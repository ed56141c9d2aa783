import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';

const DOWN = { key: 'ArrowDown', code: 'ArrowDown', bubbles: true };

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
  const input = useRef<HTMLInputElement>(null);
  const early = useRef({ arrow: false, enter: false });
  const pick = (code: string) => {
    const match = matches.find((one) => one.unit.code === code);
    if (match) onPick({ code, path: match.path });
    setQuery('');
    combobox.closeDropdown();
  };
  useEffect(() => {
    const { arrow, enter } = early.current;
    if (!settled || !arrow) return;
    early.current = { arrow: false, enter: false };
    const [first, second] = matches;
    if (first === undefined) return;
    if (enter && second === undefined) pick(first.unit.code);
    // Through the library's own handler, which also says to a screen reader what is marked.
    else input.current?.dispatchEvent(new window.KeyboardEvent('keydown', DOWN));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the options of what was typed are there
  }, [settled, asked]);
  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
    const enter = event.key === 'Enter' && early.current.arrow;
    if (settled || query.trim() === '' || !(arrow || enter)) return;
    event.preventDefault();
    early.current = { arrow: true, enter };
  };
  return (
    <Combobox store={combobox} withinPortal={false} onOptionSubmit={pick}>
      <Combobox.Target withExpandedAttribute withKeyboardNavigation={settled}>
        <TextInput
          ref={input}
          autoFocus={autoFocus}
          label={label}
          placeholder={t('rollout.picker.placeholder')}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            early.current = { arrow: false, enter: false };
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
