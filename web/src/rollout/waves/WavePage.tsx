import { Button, SegmentedControl } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { Icon } from '../../design/icons';
import { formatDay, formatNumber } from '../../i18n/format';
import { dayStart } from '../../models/waves';
import { useErrorText } from '../../parts/useErrorText';
import { codeOf } from '../../protocol/failure';
import type { ReadinessRow } from '../../protocol/types';
import { Causes, Funnel } from '../Funnel';
import { SiteList, type ListFilter } from '../SiteList';
import { waves, type WaveDetails } from './api';
import { ContactDialog } from './ContactDialog';
import { EditDialog } from './EditDialog';
import { MessagePanel } from './MessagePanel';
import { RehearsalSlot } from './RehearsalSlot';
import classes from './waves.module.css';

const POLL_MS = 3_000;

/** One wave: how far its sites are, what they were told, and whom to call. */
export default function WavePage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const id = useParams()['wave'] ?? '';
  const found = useQuery({
    queryKey: ['wave', id],
    queryFn: ({ signal }) => waves.get(id, signal),
    refetchInterval: POLL_MS,
  });
  return (
    <div className={classes.page} data-testid="wave">
      <Link to="/trung-tam/trien-khai/dot" className={classes.back}>
        <Icon name="back" size={16} />
        {t('waves.back')}
      </Link>
      {found.isPending && <p role="status">{t('app.loading')}</p>}
      {found.isError && (
        <p role="alert" className={classes.note}>
          {errorText(codeOf(found.error))}
          <Button size="compact-sm" variant="default" onClick={() => void found.refetch()}>
            {t('app.retry')}
          </Button>
        </p>
      )}
      {found.data && <Shown wave={found.data} />}
    </div>
  );
}

function Shown({ wave }: { wave: WaveDetails }) {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<ListFilter>({});
  const [missing, setMissing] = useState(true);
  const [editing, setEditing] = useState(false);
  const [contact, setContact] = useState<{ site: string; label: string } | null>(null);
  const edit = (row: ReadinessRow) => (
    <Button
      size="compact-sm"
      variant="default"
      onClick={() => setContact({ site: row.site, label: row.label })}
      data-testid="edit-contact"
    >
      {t('waves.contact')}
    </Button>
  );
  return (
    <>
      <div className={classes.head}>
        <div>
          <h1>{wave.name}</h1>
          <p className={classes.quiet}>
            {formatDay(dayStart(wave.day))}, {wave.start}–{wave.end} · {wave.path}
          </p>
        </div>
        {wave.may && (
          <span className={classes.actions}>
            <Button variant="default" onClick={() => setEditing(true)} data-testid="wave-edit">
              {t('waves.edit')}
            </Button>
            <Remove wave={wave} />
          </span>
        )}
      </div>
      <Funnel
        counts={wave.counts}
        rehearsal={wave.rehearsal}
        onOpen={(state) => {
          setMissing(false);
          setFilter(state === undefined ? {} : { state });
        }}
      />
      <Causes counts={wave.counts} onOpen={(cause) => setFilter({ cause })} />
      <div className={classes.split}>
        <div className={classes.column}>
          <RehearsalSlot wave={wave} />
          <MessagePanel wave={wave} onContact={(site, label) => setContact({ site, label })} />
        </div>
        <section className={classes.column} aria-label={t('waves.notReadyList')}>
          <div className={classes.head}>
            <h2>{t(missing ? 'waves.notReadyList' : 'waves.list')}</h2>
            <SegmentedControl
              size="xs"
              aria-label={t('waves.list')}
              value={missing ? 'missing' : 'all'}
              onChange={(value) => {
                setMissing(value === 'missing');
                setFilter({});
              }}
              data={[
                { value: 'missing', label: t('waves.onlyMissing') },
                { value: 'all', label: t('waves.everyone') },
              ]}
            />
          </div>
          <SiteList
            wave={wave.id}
            missing={missing}
            filter={filter}
            carriers={[]}
            rehearsal={wave.rehearsal}
            onFilter={setFilter}
            {...(wave.may ? { actions: edit } : {})}
          />
        </section>
      </div>
      {editing && <EditDialog wave={wave} onClose={() => setEditing(false)} />}
      {contact !== null && (
        <ContactDialog site={contact.site} label={contact.label} onClose={() => setContact(null)} />
      )}
    </>
  );
}

function Remove({ wave }: { wave: WaveDetails }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const go = useNavigate();
  const [failed, setFailed] = useState<string | null>(null);
  const remove = async () => {
    if (!confirm(t('waves.removeSure', { name: wave.name, n: formatNumber(wave.counts.total) }))) return;
    try {
      await waves.remove(wave.id);
      await queries.invalidateQueries({ queryKey: ['waves'] });
      void go('/trung-tam/trien-khai/dot');
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <>
      <Button variant="default" onClick={() => void remove()}>
        {t('waves.remove')}
      </Button>
      {failed !== null && <span role="alert">{errorText(failed)}</span>}
    </>
  );
}
