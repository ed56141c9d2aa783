import { Button, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatExact } from '../i18n/format';
import { answeredAfter } from '../models/calls';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import type { CallState } from '../protocol/types';
import { inspections, type Finding, type InspectionDetails, type Severity } from './api';
import { CallMark } from './CallMark';
import { dueDay, FindingState, SeverityMark, todayIn } from './FindingMarks';
import classes from './page.module.css';

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high'];

interface DialogProps {
  inspection: string | null;
  /** Whether its record may be changed by whoever looks. */
  may: boolean;
  onClose: () => void;
}

/** One call and what came of it: who was there, what was found, what of before is done now. */
export function InspectionDialog({ inspection, may, onClose }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={inspection !== null} onClose={onClose} title={t('inspections.detail')} size={760}>
      {inspection !== null && <Details key={inspection} id={inspection} may={may} />}
    </Dialog>
  );
}

function Details({ id, may }: { id: string; may: boolean }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const found = useQuery({
    queryKey: ['inspection', id],
    queryFn: ({ signal }) => inspections.get(id, signal),
  });
  const [failed, setFailed] = useState<string | null>(null);
  /** Does it, then reads again whatever shows it. */
  const act = async (work: () => Promise<unknown>): Promise<boolean> => {
    setFailed(null);
    try {
      await work();
      await Promise.all(
        [['inspection', id], ['inspections'], ['findings'], ['coverage'], ['earlier']].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      );
      return true;
    } catch (error) {
      setFailed(codeOf(error));
      return false;
    }
  };
  if (found.isError) return <p role="alert">{errorText(codeOf(found.error))}</p>;
  if (!found.data) return <p role="status">{t('app.loading')}</p>;
  const one = found.data;
  const after = answeredAfter(one);
  const seen = one.live_at !== null;
  return (
    <div className={classes.detail} data-testid="inspection-detail">
      <p>
        <strong>{one.label}</strong> · {one.path}
      </p>
      <p className={classes.facts}>
        {formatExact(Date.parse(one.at))} · {[one.by.title, one.by.name].filter(Boolean).join(' ')} ·{' '}
        <span className={classes.mark}>
          <CallMark state={one.state as CallState} />
          {t(`inspections.state.${one.state as CallState}`)}
        </span>
        {after !== null &&
          one.answer === 'ring' &&
          ` · ${t('inspections.answeredAfter', { seconds: after })}`}
      </p>
      {one.pictured_at !== null ? (
        <img src={inspections.picture(id)} alt={t('inspections.picture')} />
      ) : (
        seen && <p className={classes.facts}>{t('inspections.noPicture')}</p>
      )}
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      <Present one={one} may={may} act={act} />
      <h3>{t('inspections.tab.findings')}</h3>
      {one.findings.length === 0 && <p>{t('inspections.noFindings')}</p>}
      {one.findings.map((finding) => (
        <FindingLine key={finding.id} finding={finding} />
      ))}
      {may && (seen ? <NewFinding id={id} act={act} /> : <p>{t('inspections.notSeen')}</p>)}
      {seen && <Earlier one={one} may={may} act={act} />}
    </div>
  );
}

type Act = (work: () => Promise<unknown>) => Promise<boolean>;

function Present({ one, may, act }: { one: InspectionDetails; may: boolean; act: Act }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const [note, setNote] = useState(one.note);
  const people = one.people;
  const add = (person: { name: string; title: string | null }) =>
    act(() => inspections.change(one.id, { people: [...people, person] }));
  const missing = one.known.filter((k) => !people.some((p) => p.name === k.name));
  return (
    <>
      <h3>{t('inspections.present')}</h3>
      <p>{people.map((p) => [p.title, p.name].filter(Boolean).join(' ')).join(', ') || '–'}</p>
      {may && (
        <>
          {missing.length > 0 && (
            <div className={classes.person}>
              {missing.slice(0, 8).map((p) => (
                <Button key={p.name} size="compact-sm" variant="default" onClick={() => void add(p)}>
                  + {[p.title, p.name].filter(Boolean).join(' ')}
                </Button>
              ))}
            </div>
          )}
          <form
            className={classes.person}
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim() === '') return;
              void add({ name: name.trim(), title: title.trim() || null }).then((ok) => {
                if (!ok) return;
                setName('');
                setTitle('');
              });
            }}
          >
            <TextInput
              label={t('inspections.personName')}
              value={name}
              maxLength={200}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <TextInput
              label={t('inspections.personTitle')}
              value={title}
              maxLength={200}
              onChange={(event) => setTitle(event.currentTarget.value)}
            />
            <Button type="submit" variant="default">
              {t('inspections.addPerson')}
            </Button>
          </form>
          <Textarea
            label={t('inspections.note')}
            value={note}
            maxLength={4000}
            autosize
            minRows={2}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          {note !== one.note && (
            <Button variant="default" onClick={() => void act(() => inspections.change(one.id, { note }))}>
              {t('inspections.save')}
            </Button>
          )}
        </>
      )}
      {!may && one.note !== '' && <p className={classes.text}>{one.note}</p>}
    </>
  );
}

function FindingLine({ finding, children }: { finding: Finding; children?: React.ReactNode }) {
  const today = todayIn(useNow());
  return (
    <div className={classes.finding} data-testid="finding-line">
      <p className={classes.text}>{finding.text}</p>
      <p className={classes.facts}>
        <SeverityMark severity={finding.severity} /> <FindingState finding={finding} today={today} />{' '}
        {[finding.owner, finding.due === null ? '' : dueDay(finding.due)].filter(Boolean).join(' · ')}
      </p>
      {finding.closing !== null && finding.closing !== '' && (
        <p className={classes.text}>{finding.closing}</p>
      )}
      {children}
    </div>
  );
}

function NewFinding({ id, act }: { id: string; act: Act }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [severity, setSeverity] = useState<Severity>('medium');
  const [owner, setOwner] = useState('');
  const [due, setDue] = useState('');
  const submit = async () => {
    if (text.trim() === '') return;
    const given = { text, severity, owner, due: due === '' ? null : due };
    if (await act(() => inspections.find(id, given))) {
      setText('');
      setOwner('');
      setDue('');
    }
  };
  return (
    <form
      className={classes.detail}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Textarea
        label={t('inspections.newFinding')}
        value={text}
        maxLength={2000}
        autosize
        minRows={2}
        onChange={(event) => setText(event.currentTarget.value)}
        data-testid="finding-text"
      />
      <div className={classes.person}>
        <SegmentedControl
          aria-label={t('inspections.col.severity')}
          value={severity}
          onChange={setSeverity}
          data={SEVERITIES.map((value) => ({ value, label: t(`inspections.severity.${value}`) }))}
        />
        <TextInput
          label={t('inspections.col.owner')}
          value={owner}
          maxLength={200}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label={t('inspections.col.due')}
          value={due}
          onChange={(event) => setDue(event.currentTarget.value)}
        />
        <Button type="submit" data-testid="add-finding">
          {t('inspections.addFinding')}
        </Button>
      </div>
    </form>
  );
}

/** What earlier inspections of this unit found and is still open: this one may close it. */
function Earlier({ one, may, act }: { one: InspectionDetails; may: boolean; act: Act }) {
  const { t } = useTranslation();
  const [closing, setClosing] = useState('');
  const found = useQuery({
    queryKey: ['earlier', one.unit],
    queryFn: ({ signal }) => inspections.findings({ unit: one.unit }, 'open', null, signal),
  });
  const before = (found.data?.findings ?? []).filter(
    (f) => f.unit === one.unit && f.inspection !== one.id && f.at < (one.live_at ?? one.at),
  );
  if (before.length === 0) return null;
  return (
    <>
      <h3>{t('inspections.earlier')}</h3>
      {may && (
        <TextInput
          label={t('inspections.closing')}
          value={closing}
          maxLength={2000}
          onChange={(event) => setClosing(event.currentTarget.value)}
        />
      )}
      {before.map((finding) => (
        <FindingLine key={finding.id} finding={finding}>
          {may && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => void act(() => inspections.close(finding.id, one.id, closing))}
              data-testid="close-finding"
            >
              {t('inspections.close')}
            </Button>
          )}
        </FindingLine>
      ))}
    </>
  );
}
