import { Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { newId } from '../protocol/ids';
import type { Codec, Secrecy } from '../protocol/types';
import { Dialog } from '../parts/Dialog';
import { SecrecyChoice } from '../many/SecrecyChoice';
import classes from './newmeeting.module.css';
import { ScopeBuilder, type ScopeLine } from './ScopeBuilder';

interface NewMeetingProps {
  opened: boolean;
  onClose: () => void;
  onMade: (id: string) => void;
}

export function NewMeeting({ opened, onClose, onMade }: NewMeetingProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('desk.newMeeting')} size={680}>
      {opened && <Form onMade={onMade} />}
    </Dialog>
  );
}

function Form({ onMade }: { onMade: (id: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  // The id is this form's: pressing twice makes one meeting.
  const [id] = useState(newId);
  const [title, setTitle] = useState('');
  const [scope, setScope] = useState<ScopeLine[]>([]);
  const [codec, setCodec] = useState<Codec>('h264');
  const [chair, setChair] = useState<string | null>(null);
  const [secrecy, setSecrecy] = useState<Secrecy>('none');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const chairs = useQuery({
    queryKey: ['sites', 'VN'],
    queryFn: () => http.sitesOf('VN', 20),
    staleTime: 60_000,
  });

  const titleOk = title.trim() !== '';
  const scopeOk = scope.length > 0 && scope.every((s) => s.levels.length > 0);
  const submit = async () => {
    setTried(true);
    if (!titleOk || !scopeOk) return;
    setBusy(true);
    setFailed(null);
    try {
      const made = await http.createMeeting({
        id,
        title: title.trim(),
        scope: scope.map(({ unit, levels }) => ({ unit: unit.code, levels })),
        codec,
        chair_site: chair,
        kind: 'meeting',
        secrecy,
      });
      onMade(made.id);
    } catch (error) {
      setFailed(codeOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className={classes.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextInput
        label={t('desk.meetingTitle')}
        placeholder={t('desk.titleExample')}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
        error={tried && !titleOk ? t('desk.titleNeeded') : null}
        maxLength={200}
        data-autofocus
        data-testid="meeting-title"
      />
      <ScopeBuilder
        scope={scope}
        onChange={setScope}
        error={tried && !scopeOk ? t('desk.scopeNeeded') : null}
      />
      <Select
        label={t('desk.chairSite')}
        description={t('desk.chairHint')}
        placeholder={t('desk.chairNone')}
        clearable
        clearButtonProps={{ 'aria-label': t('desk.chairNone') }}
        data={(chairs.data ?? []).map((s) => ({ value: s.id, label: s.label }))}
        value={chair}
        onChange={setChair}
      />
      <SecrecyChoice value={secrecy} onChange={setSecrecy} />
      <fieldset className={classes.codec}>
        <legend>{t('desk.codecLabel')}</legend>
        <SegmentedControl
          data={[
            { value: 'h264', label: t('codec.h264') },
            { value: 'vp8', label: t('codec.vp8') },
          ]}
          value={codec}
          onChange={(value) => setCodec(value === 'vp8' ? 'vp8' : 'h264')}
        />
        <p>{t('desk.codecHint')}</p>
      </fieldset>
      {failed !== null && (
        <p role="alert" className={classes.failed}>
          {errorText(failed)}
        </p>
      )}
      <Button type="submit" loading={busy} data-testid="create-meeting">
        {t('desk.create')}
      </Button>
    </form>
  );
}
