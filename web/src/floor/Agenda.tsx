import { Button, Checkbox, NumberInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useMeetingState } from '../desk/useDesk';
import { formatNumber, formatShortSpan } from '../i18n/format';
import { agendaText, itemLeft, parseAgenda } from '../models/floor';
import { Dialog } from '../parts/Dialog';
import { useNow } from '../parts/useNow';
import type { AgendaItem } from '../protocol/types';
import siteRow from '../parts/siteRow.module.css';
import classes from './floor.module.css';

/** What the meeting goes through; the item that runs with its time. */
export function Agenda() {
  const { t } = useTranslation();
  const state = useMeetingState();
  const [editing, setEditing] = useState(false);
  if (state === null) return null;
  const centre = state.reach === 'centre';
  const { items } = state.agenda;
  return (
    <>
      {items.length === 0 && <p className={classes.empty}>{t('floor.agendaEmpty')}</p>}
      <ol className={siteRow.list} data-testid="agenda">
        {items.map((item, i) => (
          <Item key={item.id} item={item} place={i + 1} centre={centre} open={state.status === 'open'} />
        ))}
      </ol>
      {centre && (
        <div className={classes.foot}>
          <Button
            size="compact-xs"
            variant="default"
            disabled={state.status === 'ended'}
            onClick={() => setEditing(true)}
            data-testid="agenda-edit"
          >
            {items.length === 0 ? t('floor.pasteAgenda') : t('floor.editAgenda')}
          </Button>
          <Rules minutes={state.floor.minutes} autoEnd={state.floor.auto_end} />
        </div>
      )}
      <Dialog opened={editing} onClose={() => setEditing(false)} title={t('floor.editAgenda')} size="lg">
        {editing && <Editor onDone={() => setEditing(false)} />}
      </Dialog>
    </>
  );
}

function Item({
  item,
  place,
  centre,
  open,
}: {
  item: AgendaItem;
  place: number;
  centre: boolean;
  open: boolean;
}) {
  const { t } = useTranslation();
  const session = useDesk();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const left = itemLeft(item, useNow() + skew);
  const status = item.started_at === null ? 'planned' : item.ended_at === null ? 'running' : 'finished';
  return (
    <li className={`${siteRow.row} ${classes.entry}`} data-testid="agenda-item" data-status={status}>
      <span className={siteRow.place}>{status === 'finished' ? '✓' : place}</span>
      <span className={classes.title}>
        {item.title}
        <small>
          {status !== 'planned' && `${t(`floor.${status}`)} · `}
          {item.minutes !== null && t('floor.minutes', { n: item.minutes })}
          {item.sites.length > 0 && ` · ${t('floor.speakers', { n: formatNumber(item.sites.length) })}`}
        </small>
      </span>
      <span className={siteRow.ticks}>
        {left !== null && (
          <span className={classes.left} data-tone={left.tone}>
            {t(left.tone === 'over' ? 'floor.over' : 'floor.left', {
              time: formatShortSpan(Math.abs(left.ms)),
            })}
          </span>
        )}
      </span>
      {centre && (
        <span className={siteRow.wide}>
          {status === 'running' ? (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => void session.command('agenda.finish', { item: item.id })}
              data-testid="agenda-finish"
            >
              {t('floor.finish')}
            </Button>
          ) : (
            <Button
              size="compact-xs"
              variant={status === 'planned' ? 'default' : 'subtle'}
              disabled={!open}
              onClick={() => void session.command('agenda.start', { item: item.id })}
              data-testid="agenda-start"
            >
              {t(status === 'planned' ? 'floor.start' : 'floor.again')}
            </Button>
          )}
        </span>
      )}
    </li>
  );
}

/** How long a turn is when nobody says, and whether it ends by itself. */
function Rules({ minutes, autoEnd }: { minutes: number | null; autoEnd: boolean }) {
  const { t } = useTranslation();
  const session = useDesk();
  const set = (change: { minutes?: number | null; auto_end?: boolean }) =>
    void session.command('floor.rules', { minutes, auto_end: autoEnd, ...change });
  return (
    <>
      <NumberInput
        size="xs"
        w={110}
        min={1}
        max={240}
        allowDecimal={false}
        key={minutes ?? 0}
        label={t('floor.perTurn')}
        defaultValue={minutes ?? ''}
        onBlur={(event) => {
          const value = Number(event.currentTarget.value) || null;
          if (value !== minutes) set({ minutes: value });
        }}
        data-testid="per-turn"
      />
      <Checkbox
        size="xs"
        checked={autoEnd}
        label={t('floor.autoEnd')}
        onChange={(event) => set({ auto_end: event.currentTarget.checked })}
        data-testid="auto-end"
      />
    </>
  );
}

/** The agenda as lines: typed, or pasted from wherever it was written. */
function Editor({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const agenda = useMeetingState()?.agenda ?? { version: 0, items: [] };
  // Made on what was there when the dialog opened: who changed it meanwhile is not written over.
  const [seen] = useState(agenda);
  const [text, setText] = useState(() => agendaText(seen.items, (site) => session.nameToType(site)));
  const parsed = parseAgenda(text, seen.items, (name) => session.siteTyped(name));
  const minutes = parsed.items.reduce((sum, item) => sum + (item.minutes ?? 0), 0);
  const speakers = parsed.items.reduce((sum, item) => sum + item.sites.length, 0);
  const save = async () => {
    if (await session.command('agenda.set', { items: parsed.items, version: seen.version })) onDone();
  };
  return (
    <div className={classes.editor}>
      <Textarea
        label={t('floor.agendaHow')}
        autosize
        minRows={8}
        maxRows={18}
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-testid="agenda-text"
      />
      {parsed.unknown.length > 0 && (
        <p role="alert" className={classes.unknown}>
          {t('floor.agendaUnknown', { names: parsed.unknown.join('; ') })}
        </p>
      )}
      <p>
        {t('floor.agendaCount', {
          n: formatNumber(parsed.items.length),
          minutes: formatNumber(minutes),
          speakers: formatNumber(speakers),
        })}
      </p>
      <Button disabled={parsed.unknown.length > 0} onClick={() => void save()} data-testid="agenda-save">
        {t('floor.save')}
      </Button>
    </div>
  );
}
