import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { http } from '../http';
import { dayOf, daysOf, PERIODS, type Asked } from '../models/asked';
import { UnitPicker } from '../rollout/UnitPicker';
import classes from './page.module.css';

const SEARCH_MS = 300;

/** Asks for the same with this changed. */
export type Ask = (change: Partial<Asked>) => void;

/** When, where and which words; all of it stands in the address. */
export function FilterBar({
  asked,
  today,
  onAsk,
  children,
}: {
  asked: Asked;
  /** In Vietnam, "2021-09-05": no finding is of a later day. */
  today: string;
  onAsk: Ask;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <search className={classes.filters} aria-label={t('inspections.narrow')} data-testid="inspection-filter">
      <Words asked={asked} onAsk={onAsk} />
      <Where asked={asked} onAsk={onAsk} />
      <div className={classes.when}>
        <SegmentedControl
          aria-label={t('inspections.period')}
          value={asked.period}
          // One's own days begin with those that were shown.
          onChange={(period) => onAsk(period === 'own' ? { period, ...daysOf(asked, today) } : { period })}
          data={PERIODS.map((value) => ({ value, label: t(`inspections.periods.${value}`) }))}
        />
        {asked.period === 'own' &&
          (['since', 'until'] as const).map((end) => (
            <Day
              key={end}
              end={end}
              day={asked[end]}
              today={today}
              onChange={(day) => onAsk({ [end]: day })}
            />
          ))}
      </div>
      {children}
    </search>
  );
}

/** One end of a period of one's own. While a day is being typed it is none yet, and asked for is the last. */
function Day({
  end,
  day,
  today,
  onChange,
}: {
  end: 'since' | 'until';
  day: string | null;
  today: string;
  onChange: (day: string | null) => void;
}) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const shown = dayOf(input.current?.value ?? '');
    if (input.current !== null && shown !== day && document.activeElement !== input.current)
      input.current.value = day ?? '';
  }, [day]);
  return (
    <TextInput
      ref={input}
      type="date"
      label={t(`inspections.own.${end}`)}
      max={today}
      defaultValue={day ?? ''}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value === '' || dayOf(value) !== null) onChange(value || null);
      }}
      data-testid={`asked-${end}`}
    />
  );
}

function Words({ asked, onAsk }: { asked: Asked; onAsk: Ask }) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(asked.text);
  // Somebody went back, or took the filter off: the box follows the address, but not while it is typed in.
  const sent = useRef(asked.text);
  useEffect(() => {
    if (asked.text === sent.current) return;
    sent.current = asked.text;
    setTyped(asked.text);
  }, [asked.text]);
  const ask = useDebouncedCallback((text: string) => {
    sent.current = text.trim();
    onAsk({ text: text.trim() });
  }, SEARCH_MS);
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      type="search"
      maxLength={200}
      label={t('inspections.words')}
      placeholder={t('inspections.wordsExample')}
      leftSection={<Icon name="search" size={16} />}
      rightSection={<kbd className="dc-kbd">/</kbd>}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        ask(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') ask.flush();
      }}
      data-testid="asked-text"
    />
  );
}

function Where({ asked, onAsk }: { asked: Asked; onAsk: Ask }) {
  const { t } = useTranslation();
  const named = useQuery({
    queryKey: ['unit', 'path', asked.unit],
    // By its code, for the way to it: of most communes' names there are several.
    queryFn: ({ signal }) => http.searchUnits(asked.unit ?? '', 12, signal),
    enabled: asked.unit !== null,
    staleTime: Infinity,
    retry: false,
  });
  // What was pressed is replaced by the other of the two: the keys stay where they were.
  const [pressed, setPressed] = useState(false);
  const ask = (unit: string | null) => {
    setPressed(true);
    onAsk({ unit });
  };
  if (asked.unit === null)
    return (
      <UnitPicker
        autoFocus={pressed}
        label={t('inspections.where')}
        onPick={({ code }) => ask(code)}
        testid="asked-unit"
      />
    );
  const name = named.data?.find((one) => one.unit.code === asked.unit)?.path ?? asked.unit;
  return (
    <div className={classes.chosen}>
      <span className={classes.chosenLabel} id="asked-where">
        {t('inspections.where')}
      </span>
      <Button
        variant="default"
        aria-describedby="asked-where"
        aria-label={t('inspections.anywhere', { name })}
        rightSection={<Icon name="close" size={16} />}
        autoFocus={pressed}
        title={name}
        onClick={() => ask(null)}
        data-testid="asked-unit-chosen"
      >
        <span className={classes.chosenName}>{name}</span>
      </Button>
    </div>
  );
}
