import { Autocomplete, Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fold } from '../models/fold';
import { edited } from '../models/rollcall';
import { Dialog } from '../parts/Dialog';
import type { RollEdit, RollRow } from '../protocol/types';
import classes from './rollcall.module.css';
import { useFacets } from './useRollCall';

type Said = 'present' | 'absent' | 'unsaid';

/** What is said of one site, whole; of several only that they are absent and why. */
export function EntryDialog({
  rows,
  says,
  onClose,
  onSave,
}: {
  rows: readonly RollRow[];
  /** What was asked for by key; null: as it stands. */
  says: Said | null;
  onClose: () => void;
  onSave: (edits: RollEdit[]) => void;
}) {
  const { t, i18n } = useTranslation();
  const reasons = useFacets((s) => s.reasons);
  const [first] = rows;
  const one = rows.length === 1 ? first : undefined;
  const [said, setSaid] = useState<Said>(says ?? one?.says ?? 'unsaid');
  const [reason, setReason] = useState<string | null>(one?.reason ?? null);
  const [text, setText] = useState(one?.text ?? '');
  const [name, setName] = useState(one?.head?.name ?? '');
  const [title, setTitle] = useState(one?.head?.title ?? '');
  const [note, setNote] = useState(one?.note ?? '');
  if (first === undefined) return null;
  const absent = said === 'absent';
  const lacks = absent && (reason === null || (reason === 'other' && text.trim() === ''));

  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    if (lacks) return;
    const common = { says: said === 'unsaid' ? null : said, reason, text: text.trim() };
    const head = name.trim() === '' ? null : { name: name.trim(), title: title.trim() || null };
    onSave(rows.map((row) => edited(row, one ? { ...common, head, note: note.trim() } : common)));
    onClose();
  };
  const people = one?.people ?? [];
  return (
    <Dialog
      opened
      onClose={onClose}
      title={
        one === undefined
          ? t('rollcall.absentMany', { n: rows.length })
          : says === 'absent'
            ? t('rollcall.absentTitle', { name: one.label })
            : t('rollcall.editTitle', { name: one.label })
      }
    >
      <form onSubmit={save} className={classes.form} data-testid="roll-entry">
        {one !== undefined && (
          <SegmentedControl
            aria-label={t('rollcall.said')}
            value={said}
            onChange={(value) => setSaid(value)}
            data={(['present', 'absent', 'unsaid'] as const).map((value) => ({
              value,
              label: t(`rollcall.says.${value}`),
            }))}
          />
        )}
        {absent && (
          <>
            <Select
              label={t('rollcall.reason')}
              value={reason}
              onChange={setReason}
              data={reasons.map((r) => ({ value: r.code, label: i18n.language === 'en' ? r.en : r.vi }))}
              data-autofocus
              searchable
              selectFirstOptionOnChange
              filter={({ options, search }) =>
                options.filter((one) => !('items' in one) && fold(one.label).includes(fold(search)))
              }
              data-testid="roll-reason"
              required
            />
            <TextInput
              label={t('rollcall.reasonText')}
              value={text}
              maxLength={300}
              required={reason === 'other'}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          </>
        )}
        {one !== undefined && (
          <>
            <div className={classes.pair}>
              <Autocomplete
                label={`${t('rollcall.head')}: ${t('rollcall.headName')}`}
                value={name}
                maxLength={200}
                data={[...new Set(people.map((person) => person.name))]}
                onChange={(value) => {
                  setName(value);
                  const known = people.find((person) => person.name === value);
                  if (known?.title) setTitle(known.title);
                }}
                data-testid="roll-head"
              />
              <TextInput
                label={t('rollcall.headTitle')}
                value={title}
                maxLength={200}
                onChange={(event) => setTitle(event.currentTarget.value)}
              />
            </div>
            <TextInput
              label={t('rollcall.note')}
              value={note}
              maxLength={300}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
          </>
        )}
        <div className={classes.acts}>
          <Button variant="default" onClick={onClose}>
            {t('app.cancel')}
          </Button>
          <Button type="submit" disabled={lacks} data-testid="roll-save">
            {t('rollcall.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
