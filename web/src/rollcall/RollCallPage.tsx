import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useParams } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { http, tab } from '../http';
import { formatExact, formatMinute, formatNumber } from '../i18n/format';
import { edited, type Branch, type RollFilter } from '../models/rollcall';
import { useErrorText } from '../parts/useErrorText';
import type { RollRow } from '../protocol/types';
import { Bar } from './Bar';
import { ConflictDialog } from './ConflictDialog';
import { EntryDialog } from './EntryDialog';
import { Mismatch } from './marks';
import { ProvinceTable } from './ProvinceTable';
import classes from './rollcall.module.css';
import { RollSession } from './session';
import { SiteTable } from './SiteTable';
import { RollContext, useBranches, useFacets, useRoll, useRollSession, useRows } from './useRollCall';

const FILTERS: readonly RollFilter[] = ['all', 'contradiction', 'missing', 'unsaid', 'absent', 'present'];

/** The roll call of one meeting. */
export default function RollCallPage() {
  const { meeting } = useParams();
  if (meeting === undefined) return <Navigate to="/trung-tam" replace />;
  return <Page key={meeting} meeting={meeting} />;
}

function Page({ meeting }: { meeting: string }) {
  const [session] = useState(() => new RollSession(http, meeting, tab));
  useEffect(() => {
    session.start();
    return () => session.close();
  }, [session]);
  return (
    <RollContext value={session}>
      <Panels />
    </RollContext>
  );
}

function Panels() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const session = useRollSession();
  const call = useRoll((s) => s.call);
  const rows = useFacets((s) => s.rows);
  const refused = useFacets((s) => s.refused);
  const notice = useFacets((s) => s.notice);
  const link = useStore(session.wire.state, (s) => s.link);
  const loggedOut = useFacets((s) => s.loggedOut);
  const branches = useBranches();
  const [wanted, setWanted] = useState<string | null | undefined>(undefined);
  const sites = useRef<HTMLElement>(null);
  if (loggedOut) return <Navigate to="/dang-nhap" replace />;
  // Who has one province begins in it.
  const chosen = wanted === undefined ? (branches.length === 1 ? (branches[0]?.unit ?? null) : null) : wanted;
  const branch = branches.find((one) => one.unit === chosen) ?? null;
  return (
    <div className={classes.page}>
      <Bar branches={branches} chosen={branch} />
      <div className={classes.notices}>
        {link !== 'open' && link !== 'connecting' && <p role="alert">{t('rollcall.stale')}</p>}
        {notice !== null && (
          <p role="alert" key={notice.at} data-testid="roll-notice">
            {errorText(notice.code)}
          </p>
        )}
      </div>
      {refused !== null ? (
        <p role="alert" className={classes.empty}>
          {refused === 'forbidden' ? t('rollcall.closed') : errorText(refused)}
        </p>
      ) : call === 'none' ? (
        <Nothing />
      ) : rows !== 'ready' ? (
        <div className={classes.empty}>
          <p role="status">{rows === 'failed' ? t('rollcall.failed') : t('rollcall.loading')}</p>
          {rows === 'failed' && <Button onClick={() => void session.read()}>{t('app.retry')}</Button>}
        </div>
      ) : (
        <main className={classes.main}>
          <section className={classes.left} aria-label={t('rollcall.provinces')}>
            <ProvinceTable
              branches={branches}
              chosen={branch?.unit ?? null}
              onChoose={setWanted}
              onEnter={() => sites.current?.querySelector<HTMLElement>('[data-testid=roll-sites]')?.focus()}
            />
            <Foot />
          </section>
          <section className={classes.right} ref={sites} aria-label={t('rollcall.sites')}>
            <Sites key={branch?.unit ?? '*'} branch={branch} grid={sites} />
          </section>
        </main>
      )}
      <ConflictDialog />
    </div>
  );
}

function Nothing() {
  const { t } = useTranslation();
  const session = useRollSession();
  return (
    <div className={classes.empty}>
      <h2>{t('rollcall.none')}</h2>
      <p>{t('rollcall.noneHint')}</p>
      <Button onClick={() => void session.open()} data-testid="roll-open">
        {t('rollcall.open')}
      </Button>
    </div>
  );
}

/** Since when the machine has looked, and what a sealed one is checked by. */
function Foot() {
  const { t } = useTranslation();
  const call = useRoll((s) => s.call);
  const since = useRoll((s) => s.watchedSince);
  return (
    <p className={classes.foot}>
      {since !== null && t('rollcall.watched', { at: formatExact(Date.parse(since)) })}
      {call !== null && call !== 'none' && call.digest !== null && (
        <>
          <br />
          <span data-testid="roll-digest">
            {t('rollcall.digest', { digest: call.digest, seq: call.seq ?? 0 })}
          </span>
        </>
      )}
    </p>
  );
}

function Sites({ branch, grid }: { branch: Branch | null; grid: RefObject<HTMLElement | null> }) {
  const { t } = useTranslation();
  const session = useRollSession();
  const call = useRoll((s) => s.call);
  const may = useRoll((s) => s.may);
  // Of everything what does not fit comes first, then who is missing; of a province all are there to be said.
  const [filter, setFilter] = useState<RollFilter>(() =>
    branch !== null
      ? 'all'
      : session.roll.list(null, 'contradiction', '').length > 0
        ? 'contradiction'
        : 'missing',
  );
  const [query, setQuery] = useState('');
  const [active, setActive] = useState<string | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [editing, setEditing] = useState<{ rows: RollRow[]; says: 'absent' | null } | null>(null);
  const rows = useRows(branch?.unit ?? null, filter, query);
  const everyRow = useRows(branch?.unit ?? null, 'all', '');
  const search = useRef<HTMLInputElement>(null);
  const open = call !== null && call !== 'none' && call.status === 'open';
  const fillable = everyRow.filter((row) => row.editable && row.says === null && row.connected).length;

  const meant = (row: RollRow): RollRow[] => {
    const many = selected.size > 0 && selected.has(row.site);
    const found = many ? everyRow.filter((one) => selected.has(one.site)) : [row];
    return open ? found.filter((one) => one.editable) : [];
  };
  const say = (targets: RollRow[], says: 'present' | null) => {
    if (targets.length > 0) void session.edit(targets.map((row) => edited(row, { says })));
  };
  const onKey = (key: string, row: RollRow): boolean => {
    const targets = meant(row);
    if (key === 'Slash') search.current?.focus();
    else if (key === 'Escape') setSelected(new Set());
    else if (targets.length === 0) return false;
    else if (key === 'KeyP') say(targets, 'present');
    else if (key === 'KeyU') say(targets, null);
    else if (key === 'KeyA') setEditing({ rows: targets, says: 'absent' });
    else if (key === 'Enter' && targets.length === 1) setEditing({ rows: targets, says: null });
    else return false;
    return true;
  };
  const chosen = everyRow.filter((row) => selected.has(row.site) && row.editable);
  return (
    <>
      <div className={classes.tools}>
        <h2>
          {branch?.name ?? t('rollcall.everything')}
          {branch?.confirmed != null && (
            <small>
              {t('rollcall.confirmedAt', {
                at: formatMinute(Date.parse(branch.confirmed.at)),
                by: branch.confirmed.by,
              })}
            </small>
          )}
        </h2>
        {branch?.confirmed != null && <Mismatch codes={branch.confirmed.contradictions} />}
        {open && (branch !== null || may?.seal === true) && (
          <Button
            variant="default"
            size="compact-md"
            disabled={fillable === 0}
            title={t('rollcall.fillHint', { n: formatNumber(fillable) })}
            onClick={() => {
              void session.fill(branch?.unit ?? null);
              // The button is done with: who is left comes into view, and the keyboard says what of them.
              setFilter('missing');
              grid.current?.querySelector<HTMLElement>('[data-testid=roll-sites]')?.focus();
            }}
            data-testid="roll-fill"
          >
            {t('rollcall.fill')} ({formatNumber(fillable)})
          </Button>
        )}
        {open && branch !== null && may?.confirm.includes(branch.unit) && (
          <Button
            size="compact-md"
            variant={branch.confirmed === null ? 'filled' : 'default'}
            onClick={() => void session.confirm(branch.unit, branch.confirmed === null)}
            data-testid="roll-confirm"
          >
            {branch.confirmed === null ? t('rollcall.confirm') : t('rollcall.unconfirm')}
          </Button>
        )}
      </div>
      <div className={classes.filters}>
        <SegmentedControl
          size="xs"
          aria-label={t('rollcall.said')}
          value={filter}
          onChange={(value) => setFilter(value)}
          data={FILTERS.map((value) => ({ value, label: t(`rollcall.filter.${value}`) }))}
        />
        <TextInput
          ref={search}
          size="xs"
          type="search"
          aria-label={t('rollcall.search')}
          placeholder={t('rollcall.search')}
          leftSection={<Icon name="search" size={14} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          data-testid="roll-search"
        />
        <span role="status">{t('rollcall.found', { n: formatNumber(rows.length) })}</span>
      </div>
      {rows.length === 0 ? (
        <p className={classes.empty}>{t('rollcall.nothing')}</p>
      ) : (
        <SiteTable
          rows={rows}
          active={active}
          selected={selected}
          label={branch?.name ?? t('rollcall.everything')}
          onActive={setActive}
          onSelected={setSelected}
          onKey={onKey}
        />
      )}
      <div className={classes.bottom}>
        {open && chosen.length > 0 ? (
          <>
            <strong>{t('rollcall.selected', { n: formatNumber(chosen.length) })}</strong>
            <Button
              size="compact-md"
              variant="default"
              onClick={() => say(chosen, 'present')}
              data-testid="roll-bulk-present"
            >
              {t('rollcall.says.present')}
            </Button>
            <Button
              size="compact-md"
              variant="default"
              onClick={() => setEditing({ rows: chosen, says: 'absent' })}
              data-testid="roll-bulk-absent"
            >
              {t('rollcall.says.absent')}…
            </Button>
            <Button size="compact-md" variant="subtle" onClick={() => setSelected(new Set())}>
              {t('rollcall.clear')}
            </Button>
          </>
        ) : (
          <span>{t('rollcall.keys')}</span>
        )}
      </div>
      {editing !== null && (
        <EntryDialog
          rows={editing.rows}
          says={editing.says}
          onClose={() => setEditing(null)}
          onSave={(edits) => void session.edit(edits)}
        />
      )}
    </>
  );
}
