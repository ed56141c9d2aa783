import { Button, NumberInput, Select, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '../desk/useDesk';
import { http } from '../http';
import { formatDay } from '../i18n/format';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import { MARKS, type ClearanceSeen, type Secrecy, type SiteDetails } from '../protocol/types';
import classes from './settings.module.css';

const KINDS = ['post', 'room', 'bridge', 'feed'] as const;
const at = (site: string) => `/sites/${encodeURIComponent(site)}`;

/** The button in the selected card, for who may change sites or clear them, and its dialog. */
export function SiteSettings({ site }: { site: string }) {
  const { t } = useTranslation();
  const may = useMe().data?.may ?? [];
  const { title, path } = useNames()(site);
  const [opened, setOpened] = useState(false);
  const changes = may.includes('site.change');
  const clears = may.includes('clearance.set');
  if (!changes && !clears) return null;
  return (
    <>
      <Button size="compact-xs" variant="default" onClick={() => setOpened(true)} data-testid="site-settings">
        {t('many.site.open')}
      </Button>
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('many.site.title')} size={560}>
        {opened && (
          <div className={classes.parts}>
            <p>
              <strong>{title}</strong>
              <br />
              {path}
            </p>
            {changes && <Details site={site} />}
            {clears && <Clearance site={site} />}
          </div>
        )}
      </Dialog>
    </>
  );
}

function Details({ site }: { site: string }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ['site-details', site],
    queryFn: ({ signal }) => http.json<SiteDetails>('GET', `${at(site)}/details`, undefined, signal),
  });
  if (found.isError) return <p role="alert">{t('many.site.notHere')}</p>;
  if (found.data === undefined) return <p role="status">{t('app.loading')}</p>;
  return <Form key={site} details={found.data} />;
}

function Form({ details }: { details: SiteDetails }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [kind, setKind] = useState(details.kind);
  const [answer, setAnswer] = useState(details.answer);
  const [phones, setPhones] = useState(details.phones.join('\n'));
  const [said, setSaid] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    setSaid(null);
    try {
      const list = phones
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
      await http.json<SiteDetails>('PATCH', at(details.id), { kind, answer, phones: list });
      await queries.invalidateQueries({ queryKey: ['site-details', details.id] });
      setSaid(t('many.site.saved'));
    } catch (error) {
      setSaid(errorText(codeOf(error)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className={classes.part}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Select
        label={t('many.site.kind')}
        data={KINDS.map((value) => ({ value, label: t(`many.site.kinds.${value}`) }))}
        value={kind}
        allowDeselect={false}
        onChange={(value) => setKind(KINDS.find((one) => one === value) ?? kind)}
      />
      <Select
        label={t('many.site.answer')}
        data={[
          { value: 'auto', label: t('many.site.auto') },
          { value: 'ring', label: t('many.site.ring') },
        ]}
        value={answer}
        allowDeselect={false}
        onChange={(value) => setAnswer(value === 'auto' ? 'auto' : 'ring')}
        data-testid="site-answer"
      />
      <Textarea
        label={t('many.site.phones')}
        autosize
        minRows={2}
        maxRows={6}
        value={phones}
        onChange={(event) => setPhones(event.currentTarget.value)}
      />
      <div className={classes.act}>
        <Button type="submit" loading={busy} data-testid="site-save">
          {t('many.site.save')}
        </Button>
        <span role="status">{said}</span>
      </div>
    </form>
  );
}

function Clearance({ site }: { site: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const me = useMe().data;
  const most = MARKS.indexOf(me?.clearance ?? 'none');
  const found = useQuery({
    queryKey: ['clearance', site],
    queryFn: ({ signal }) => http.json<ClearanceSeen>('GET', `${at(site)}/clearance`, undefined, signal),
  });
  const [level, setLevel] = useState<Secrecy>('none');
  const [days, setDays] = useState(30);
  const [said, setSaid] = useState<string | null>(null);
  if (found.data === undefined) return null;
  const now = found.data;
  const save = async () => {
    setSaid(null);
    try {
      await http.json('PUT', `${at(site)}/clearance`, { level, days: level === 'none' ? null : days });
      await queries.invalidateQueries({ queryKey: ['clearance', site] });
      setSaid(t('many.site.cleared'));
    } catch (error) {
      setSaid(errorText(codeOf(error)));
    }
  };
  return (
    <form
      className={classes.part}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <p data-testid="clearance-now">
        {t('many.site.clearance')}: <strong>{t(`many.secrecy.${now.level}`)}</strong>{' '}
        {now.until !== null && t('many.site.until', { day: formatDay(Date.parse(now.until)) })}
      </p>
      <div className={classes.act}>
        <Select
          label={t('many.secrecy.label')}
          data={MARKS.slice(0, most + 1).map((mark) => ({ value: mark, label: t(`many.secrecy.${mark}`) }))}
          value={level}
          allowDeselect={false}
          onChange={(value) => setLevel(MARKS.find((mark) => mark === value) ?? 'none')}
        />
        <NumberInput
          label={t('many.site.days')}
          disabled={level === 'none'}
          min={1}
          max={366}
          value={days}
          onChange={(value) => setDays(Number(value) || 30)}
        />
        <Button type="submit" variant="default" data-testid="clear-site">
          {t('many.site.clear')}
        </Button>
        <span role="status">{said}</span>
      </div>
    </form>
  );
}
