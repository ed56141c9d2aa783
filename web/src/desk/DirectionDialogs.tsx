import { Button, Radio, SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMinute } from '../i18n/format';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import type { CaptionText } from '../protocol/types';
import { Caption } from '../stage/Caption';
import { addressed, ADDRESSES, withoutAddress, type Address } from './address';
import classes from './direction.module.css';
import { useDesk, useDeskState, useMeetingState, useNames } from './useDesk';

const MAX_HOLD = 120;
const MAX_NAME = 120;
const MAX_TITLE = 200;
const MINUTES = [5, 10, 15, 30] as const;

/** What the director fills in: the words of the holding picture, and whom a caption names. */
export function DirectionDialogs() {
  const { t } = useTranslation();
  const session = useDesk();
  const dialog = useDeskState((s) => s.dialog);
  const names = useNames();
  const close = () => session.ask(null);
  const site = dialog !== null && dialog !== 'hold' ? dialog.caption : null;
  return (
    <>
      <Dialog opened={dialog === 'hold'} onClose={close} title={t('direction.holdWords')}>
        <HoldForm onDone={close} />
      </Dialog>
      <Dialog
        opened={site !== null}
        onClose={close}
        title={site === null ? '' : t('direction.captionOf', { name: names(site).title })}
      >
        {site !== null && <CaptionForm key={site} site={site} onDone={close} />}
      </Dialog>
    </>
  );
}

function HoldForm({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const [words, setWords] = useState('');
  const [minutes, setMinutes] = useState('0');
  const [opened] = useState(() => Date.now());
  const until = minutes === '0' ? null : new Date(opened + Number(minutes) * 60_000);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void session.hold(words.trim(), until ?? undefined).then((done) => {
      if (done) onDone();
    });
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput
        label={t('direction.holdText')}
        placeholder={t('direction.resting')}
        maxLength={MAX_HOLD}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        data-autofocus
        data-testid="hold-text"
      />
      <Radio.Group label={t('direction.holdUntil')} value={minutes} onChange={setMinutes}>
        <div className={classes.choices}>
          <Radio value="0" label={t('direction.openEnd')} />
          {MINUTES.map((n) => (
            <Radio
              key={n}
              value={String(n)}
              label={t('direction.inMinutes', { n, time: formatMinute(opened + n * 60_000) })}
            />
          ))}
        </div>
      </Radio.Group>
      <Button type="submit" data-testid="hold-show">
        {t('direction.holdShow')}
      </Button>
    </form>
  );
}

function CaptionForm({ site, onDone }: { site: string; onDone: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const errorText = useErrorText();
  const now = state?.stage.captions.people[site] ?? null;
  const [name, setName] = useState(now === null ? '' : withoutAddress(now.name));
  const [title, setTitle] = useState(now?.title ?? '');
  const [address, setAddress] = useState<Address>(now === null ? '' : addressed(now.name));
  const people = useQuery({
    queryKey: ['caption-people', session.meeting, site],
    queryFn: () => session.captionPeople(site),
    staleTime: 30_000,
  });
  const full = address === '' ? name.trim() : `${address} ${name.trim()}`;
  const words: CaptionText | null = name.trim() === '' ? null : { name: full, title: title.trim() || null };
  const label = names(site);
  const set = (who: CaptionText | null) =>
    void session
      .command('stage.caption', {
        site,
        ...(who === null ? {} : { name: who.name, ...(who.title === null ? {} : { title: who.title }) }),
      })
      .then((done) => {
        if (done) onDone();
      });
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        set(words);
      }}
    >
      {people.isError && <p role="alert">{errorText(codeOf(people.error))}</p>}
      {people.data?.people.length === 0 && <p className={classes.hint}>{t('direction.nobodyKnown')}</p>}
      {people.data !== undefined && people.data.people.length > 0 && (
        <div className={classes.people} role="group" aria-label={t('direction.whoIsThere')}>
          {people.data.people.map((one) => (
            <button
              key={`${one.name} ${one.title ?? ''}`}
              type="button"
              aria-pressed={withoutAddress(one.name) === name && (one.title ?? '') === title}
              onClick={() => {
                setName(withoutAddress(one.name));
                setTitle(one.title ?? '');
                setAddress(addressed(one.name));
              }}
              data-testid="caption-person"
            >
              <b>{one.name}</b>
              {one.title !== null && <span>{one.title}</span>}
            </button>
          ))}
        </div>
      )}
      <SegmentedControl
        aria-label={t('direction.address')}
        value={address}
        onChange={(value) => setAddress(value)}
        data={ADDRESSES.map((value) => ({ value, label: value === '' ? t('direction.noAddress') : value }))}
      />
      <TextInput
        label={t('direction.name')}
        maxLength={MAX_NAME - 9}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
        data-testid="caption-name"
      />
      <TextInput
        label={t('direction.personTitle')}
        maxLength={MAX_TITLE}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
        data-testid="caption-title"
      />
      <div className={classes.sample} aria-hidden="true">
        <Caption
          words={
            words === null
              ? { first: label.title, second: label.path }
              : { first: words.name, second: words.title ?? label.title }
          }
          small={false}
        />
      </div>
      <div className={classes.buttons}>
        <Button type="submit" disabled={words === null} data-testid="caption-set">
          {t('direction.captionSet')}
        </Button>
        <Button variant="default" onClick={() => set(null)} disabled={now === null}>
          {t('direction.captionLabel')}
        </Button>
      </div>
    </form>
  );
}
