import { Button, Checkbox, NumberInput, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../design/icons';
import { formatNumber } from '../../i18n/format';
import { Dialog } from '../../parts/Dialog';
import { useErrorText } from '../../parts/useErrorText';
import { codeOf } from '../../protocol/failure';
import { newId } from '../../protocol/ids';
import { waves, type MessagePreview, type Templates, type WaveDetails } from './api';
import classes from './waves.module.css';

export interface Writing {
  kind: 'invitation' | 'reminder';
  channel: 'email' | 'sms';
  /** A reminder that goes by itself; `at`: when, in words. */
  planned?: { daysBefore: number; clock: string; at: string };
}

interface Props {
  wave: WaveDetails;
  writing: Writing;
  onClose: () => void;
}

/** Writes a message: the text on one side, who gets it and what they will read on the other. Nothing goes before the last button. */
export function MessageDialog({ wave, writing, onClose }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const found = useQuery({
    queryKey: ['wave-templates'],
    queryFn: () => waves.templates(),
    staleTime: Infinity,
  });
  const title = writing.planned
    ? t('waves.write.planned', { at: writing.planned.at })
    : t(
        `waves.write.${writing.channel === 'email' ? writing.kind : writing.kind === 'invitation' ? 'inviteSms' : 'remindSms'}`,
      );
  return (
    <Dialog opened onClose={onClose} title={title} size={1100}>
      {found.isPending && <p role="status">{t('app.loading')}</p>}
      {found.isError && <p role="alert">{errorText(codeOf(found.error))}</p>}
      {found.data && <Form wave={wave} writing={writing} templates={found.data} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ wave, writing, templates, onClose }: Props & { templates: Templates }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const { kind, channel, planned } = writing;
  const sms = channel === 'sms';
  const textOf = (language: string) =>
    templates.texts.find((x) => x.language === language && x.kind === kind);
  const [language, setLanguage] = useState('vi');
  const [subject, setSubject] = useState(textOf('vi')?.subject ?? '');
  const [body, setBody] = useState(sms ? templates.sms : (textOf('vi')?.body ?? ''));
  const [link, setLink] = useState(false);
  const [days, setDays] = useState(14);
  const [hotline, setHotline] = useState(() => localStorage.getItem('dc.hotline') ?? templates.hotline);
  const [perMinute, setPerMinute] = useState(60);
  const [marks, setMarks] = useState(true);
  const [again, setAgain] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  // One name for what this dialog begins: pressing twice, or again after a lost answer, begins it once.
  const [request] = useState(newId);
  const words = { subject: sms ? '-' : subject, body, link, days, hotline: hotline.trim() };
  const text = { kind, ...words };
  const [asked] = useDebouncedValue({ ...text, channel, without_marks: marks }, 250);
  const preview = useQuery({
    queryKey: ['wave-message', wave.id, asked],
    queryFn: ({ signal }) => waves.look(wave.id, asked, signal),
    enabled: asked.body.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const look = preview.isError ? undefined : preview.data;
  const reached = again
    ? (look?.audience.send ?? 0) + (look?.audience.told ?? 0)
    : (look?.audience.send ?? 0);
  const go = async () => {
    setBusy(true);
    setFailed(null);
    localStorage.setItem('dc.hotline', hotline);
    try {
      if (planned) {
        await waves.planReminder(wave.id, {
          ...words,
          days_before: planned.daysBefore,
          clock: planned.clock,
        });
      } else if (sms) {
        save(await waves.sms(wave.id, { ...text, form: 'xlsx', without_marks: marks, again }));
      } else {
        await waves.send(wave.id, { ...text, request, per_minute: perMinute });
      }
      await queries.invalidateQueries({ queryKey: ['wave', wave.id] });
      onClose();
    } catch (error) {
      setFailed(codeOf(error));
      setBusy(false);
    }
  };
  return (
    <div className={classes.two} data-testid="message-dialog">
      <div className={classes.form}>
        {!sms && (
          <>
            <SegmentedControl
              aria-label={t('waves.write.begin')}
              value={language}
              onChange={(value) => {
                setLanguage(value);
                setSubject(textOf(value)?.subject ?? '');
                setBody(textOf(value)?.body ?? '');
              }}
              data={[
                { value: 'vi', label: t('waves.write.vi') },
                { value: 'en', label: t('waves.write.en') },
              ]}
            />
            <TextInput
              label={t('waves.write.subject')}
              value={subject}
              maxLength={150}
              onChange={(event) => setSubject(event.currentTarget.value)}
            />
          </>
        )}
        <Textarea
          label={t('waves.write.body')}
          description={t('waves.write.places', {
            names: templates.variables.map((name) => `{${name}}`).join(' '),
          })}
          autosize
          minRows={sms ? 4 : 9}
          maxRows={14}
          maxLength={4000}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
          data-testid="message-body"
        />
        {wave.codes && !planned && (
          <Checkbox
            label={t('waves.write.link')}
            description={t('waves.write.linkWarn')}
            checked={link}
            onChange={(event) => setLink(event.currentTarget.checked)}
            data-testid="message-link"
          />
        )}
        <div className={classes.three}>
          <TextInput
            label={t('waves.write.hotline')}
            maxLength={60}
            value={hotline}
            onChange={(event) => setHotline(event.currentTarget.value)}
          />
          {link && (
            <NumberInput
              label={t('waves.write.days')}
              min={1}
              max={90}
              value={days}
              onChange={(value) => setDays(Math.min(90, Math.max(1, Number(value) || 14)))}
              hideControls
            />
          )}
          {!sms && !planned && (
            <NumberInput
              label={t('waves.write.perMinute')}
              min={1}
              max={600}
              value={perMinute}
              onChange={(value) => setPerMinute(Math.min(600, Math.max(1, Number(value) || 60)))}
              hideControls
            />
          )}
        </div>
        {sms && (
          <>
            <Checkbox
              label={t('waves.write.marks')}
              checked={marks}
              onChange={(e) => setMarks(e.currentTarget.checked)}
            />
            {kind === 'invitation' && (
              <Checkbox
                label={t('waves.write.again')}
                checked={again}
                onChange={(e) => setAgain(e.currentTarget.checked)}
              />
            )}
          </>
        )}
      </div>
      <div className={classes.form} aria-live="polite">
        {preview.isError && <p role="alert">{errorText(codeOf(preview.error))}</p>}
        {!look && !preview.isError && <p role="status">{t('waves.previewing')}</p>}
        {look && <Looked look={look} sms={sms} link={link} />}
        {failed !== null && <p role="alert">{errorText(failed)}</p>}
        {look && reached === 0 && !planned && <p>{t('waves.write.nobody')}</p>}
        {look && (reached > 0 || planned) && (
          <>
            {!sms && !planned && reached > perMinute && (
              <p className={classes.small}>
                {t('waves.write.takes', { minutes: formatNumber(Math.ceil(reached / perMinute)) })}
              </p>
            )}
            <Button onClick={() => void go()} loading={busy} data-testid="message-go">
              {planned
                ? t('waves.write.arrange')
                : t(sms ? 'waves.write.file' : 'waves.write.go', { n: formatNumber(reached) })}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

function Looked({ look, sms, link }: { look: MessagePreview; sms: boolean; link: boolean }) {
  const { t } = useTranslation();
  const { send, told, not_meant, no_address, codes } = look.audience;
  return (
    <>
      <h3>{t('waves.write.audience')}</h3>
      <ul className={classes.plain} data-testid="message-audience">
        <li>
          <strong>{t('waves.write.send', { n: formatNumber(send) })}</strong>
        </li>
        {told > 0 && <li className={classes.quiet}>{t('waves.write.told', { n: formatNumber(told) })}</li>}
        {not_meant > 0 && (
          <li className={classes.quiet}>{t('waves.write.notMeant', { n: formatNumber(not_meant) })}</li>
        )}
        {no_address > 0 && (
          <li className={classes.warn}>
            <Icon name="warning" size={16} />
            {t(sms ? 'waves.write.noMobile' : 'waves.write.noEmail', { n: formatNumber(no_address) })}
          </li>
        )}
        {link && codes > 0 && (
          <li className={classes.warn}>
            <Icon name="warning" size={16} />
            {t('waves.write.codes', { n: formatNumber(codes) })}
          </li>
        )}
      </ul>
      <h3>
        {t('waves.write.preview')}
        {look.site !== null && (
          <span className={classes.small}> {t('waves.write.previewOf', { site: look.site })}</span>
        )}
      </h3>
      <div className={classes.letter} data-testid="message-preview">
        {look.subject !== '' && <strong>{look.subject}</strong>}
        {look.body}
      </div>
      {look.parts !== null && (
        <p className={classes.small} data-testid="message-parts">
          {t('waves.write.parts', { n: look.parts, coding: look.coding === 'gsm7' ? 'GSM-7' : 'UCS-2' })}
        </p>
      )}
    </>
  );
}

/** Hands a file to the browser. */
function save(content: Blob): void {
  const url = URL.createObjectURL(content);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = 'tin-nhan.xlsx';
  anchor.click();
  URL.revokeObjectURL(url);
}
