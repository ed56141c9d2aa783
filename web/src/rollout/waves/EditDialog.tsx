import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../../parts/Dialog';
import { useErrorText } from '../../parts/useErrorText';
import { codeOf } from '../../protocol/failure';
import { waves, type WaveDetails } from './api';
import classes from './waves.module.css';

/** Another name, day or hours. */
export function EditDialog({ wave, onClose }: { wave: WaveDetails; onClose: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [name, setName] = useState(wave.name);
  const [day, setDay] = useState(wave.day);
  const [start, setStart] = useState(wave.start);
  const [end, setEnd] = useState(wave.end);
  const [failed, setFailed] = useState<string | null>(null);
  const save = async () => {
    try {
      await waves.change(wave.id, { name, day, start, end });
      await queries.invalidateQueries({ queryKey: ['wave', wave.id] });
      onClose();
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <Dialog opened onClose={onClose} title={t('waves.edit')}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextInput
          label={t('waves.name')}
          value={name}
          maxLength={120}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <div className={classes.three}>
          <TextInput
            type="date"
            label={t('waves.day')}
            value={day}
            onChange={(e) => setDay(e.currentTarget.value)}
          />
          <TextInput
            type="time"
            label={t('waves.start')}
            value={start}
            onChange={(e) => setStart(e.currentTarget.value)}
          />
          <TextInput
            type="time"
            label={t('waves.end')}
            value={end}
            onChange={(e) => setEnd(e.currentTarget.value)}
          />
        </div>
        <p className={classes.small}>{t('waves.changed')}</p>
        {failed !== null && <p role="alert">{errorText(failed)}</p>}
        <Button type="submit">{t('waves.save')}</Button>
      </form>
    </Dialog>
  );
}
