import { Button, Checkbox, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber, relativeSpan } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { newId } from '../protocol/ids';
import classes from './rehearsals.module.css';
import { rehearsals, type RehearsalShown } from './rehearsalsApi';
import { UnitPicker } from './UnitPicker';

export interface ChosenWave {
  id: string;
  name: string;
}

/** Scope, time, and what it would be: nothing begins before that has been shown. `wave`: whose sites, where one is chosen. */
export function RehearsalStart(props: { wave: ChosenWave | null; onMade: (made: RehearsalShown) => void }) {
  const { wave, onMade } = props;
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [unit, setUnit] = useState<{ code: string; path: string } | null>(null);
  const [carrier, setCarrier] = useState('');
  const [todo, setTodo] = useState(false);
  const [title, setTitle] = useState(wave === null ? '' : t('rehearsal.start.titleOf', { name: wave.name }));
  const [at, setAt] = useState('');
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  // The same press twice begins one rehearsal.
  const [command, setCommand] = useState(newId);
  const [asked] = useDebouncedValue(carrier.trim(), 300);
  const whose = wave === null ? { unit: unit?.code ?? null } : { wave: wave.id };
  const scope = { ...whose, carrier: asked === '' ? null : asked, todo };
  const path = wave === null ? unit?.path : t('rehearsal.start.wave', { name: wave.name });
  const preview = useQuery({
    queryKey: ['rehearsal-preview', scope],
    queryFn: ({ signal }) => rehearsals.preview(scope, signal),
    enabled: path !== undefined,
  });
  const many = preview.data?.sites ?? 0;
  const begin = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const starts = at === '' ? null : new Date(at).toISOString();
      onMade(await rehearsals.create({ id: command, scope, title, starts_at: starts }));
    } catch (error) {
      setFailed(codeOf(error));
      setCommand(newId());
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className={classes.block} aria-label={t('rehearsal.start.title')}>
      <h2>{t('rehearsal.start.title')}</h2>
      <div className={classes.form}>
        {wave === null && (
          <UnitPicker label={t('rehearsal.start.unit')} onPick={setUnit} testid="rehearsal-unit" />
        )}
        <TextInput
          label={t('rehearsal.start.carrier')}
          value={carrier}
          onChange={(event) => setCarrier(event.currentTarget.value)}
        />
        <TextInput
          label={t('rehearsal.start.name')}
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <TextInput
          type="datetime-local"
          label={t('rehearsal.start.at')}
          value={at}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
      </div>
      <Checkbox
        label={t('rehearsal.start.todo')}
        checked={todo}
        onChange={(event) => setTodo(event.currentTarget.checked)}
      />
      <p role="status" data-testid="rehearsal-preview">
        {path === undefined ? t('rehearsal.start.none') : t('rehearsal.start.chosen', { path })}{' '}
        {preview.data &&
          (many === 0
            ? t('rehearsal.start.nobody')
            : t('rehearsal.start.preview', {
                sites: formatNumber(many),
                ready: formatNumber(preview.data.ready),
                time: relativeSpan(t, preview.data.seconds * 1000),
                minutes: formatNumber(preview.data.minutes),
              }))}
      </p>
      {preview.isError && <p role="alert">{errorText(codeOf(preview.error))}</p>}
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      <div>
        <Button
          loading={busy}
          disabled={path === undefined || many === 0}
          onClick={() => void begin()}
          data-testid="rehearsal-start"
        >
          {at === '' ? t('rehearsal.start.now') : t('rehearsal.start.later')}
        </Button>
      </div>
    </section>
  );
}
