import { Button, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useNames } from '../desk/useDesk';
import { useGate } from '../desk/useGate';
import { Icon } from '../design/icons';
import { formatExact, formatNumber, formatShortSpan } from '../i18n/format';
import { beforeOf, isUnattended, type QueueEntry } from '../models/floor';
import { titleOf } from '../models/roster';
import { useNow } from '../parts/useNow';
import { CheckMarks } from '../talkback/CheckMarks';
import siteRow from '../parts/siteRow.module.css';
import classes from './floor.module.css';
import { Grip } from './Grip';

/** Rows that are drawn; the rest is a number: ten thousand hands are no list. */
const SHOWN = 40;

/** Hands in their order. `own`: a queue that this desk orders and sends up from. */
export function Hands({ entries, own }: { entries: QueueEntry[]; own: boolean }) {
  const { t } = useTranslation();
  const queue = own ? entries.filter((e) => e.hand?.branch && e.hand.forwarded === null) : [];
  const order = queue.map((e) => e.site);
  return (
    <>
      <ol className={siteRow.list}>
        {entries.slice(0, SHOWN).map((e, i) => (
          <Hand key={e.site} entry={e} place={i + 1} order={order} own={own} />
        ))}
      </ol>
      {entries.length > SHOWN && (
        <p className={classes.empty}>{t('floor.more', { n: formatNumber(entries.length - SHOWN) })}</p>
      )}
    </>
  );
}

function Hand({
  entry,
  place,
  order,
  own,
}: {
  entry: QueueEntry;
  place: number;
  order: readonly string[];
  own: boolean;
}) {
  const { t } = useTranslation();
  const session = useDesk();
  const gate = useGate();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  const state = useMeetingState();
  const centre = state?.reach === 'centre';
  const lined = state?.stage.line_up?.includes(entry.site) ?? false;
  const name = useNames()(entry.site);
  const selected = useDeskState((s) => s.selected?.kind === 'site' && s.selected.id === entry.site);
  const writing = useDeskState((s) => (s.writing?.site === entry.site ? s.writing.what : null));
  const { hand } = entry;
  const sent = hand?.forwarded ?? null;
  const moves = order.includes(entry.site);
  const before = (site: string | null) =>
    void session.command('hand.move', {
      site: entry.site,
      before: site,
      ...(hand ? { seen: hand.rank } : {}),
    });
  return (
    <li
      className={`${siteRow.row} ${classes.entry}`}
      data-testid="hand-item"
      data-role="hand"
      data-site={entry.site}
      data-forwarded={sent !== null}
      data-selected={selected}
    >
      <span className={siteRow.place}>
        {moves ? (
          <Grip
            site={entry.site}
            label={t('floor.move', { name: name.title })}
            gate={gate('hand.move', t('floor.move', { name: name.title }))}
            onStep={(step) => {
              const to = beforeOf(order, entry.site, step);
              if (to !== undefined) before(to);
            }}
            onDrop={(dragged) => {
              if (dragged !== entry.site && order.includes(dragged)) session.moveHand(dragged, entry.site);
            }}
          >
            {place}
          </Grip>
        ) : (
          place
        )}
      </span>
      <button
        type="button"
        className={siteRow.name}
        title={[name.title, name.path].filter(Boolean).join(', ')}
        onClick={() => session.select({ kind: 'site', id: entry.site })}
      >
        <span className="dc-hidden">{t('site.title')} </span>
        {name.title}
        <small>
          {name.path && `${name.path} · `}
          <time title={formatExact(entry.at)}>
            {t('desk.waits', { time: formatShortSpan(now - entry.at) })}
          </time>
        </small>
      </button>
      <span className={siteRow.ticks}>
        <Ticks entry={entry} />
      </span>
      <Way entry={entry} own={own} />
      {writing !== null ? (
        <NoteForm key={writing} site={entry.site} what={writing} />
      ) : (
        <span className={siteRow.wide}>
          {centre && (
            <>
              <Button
                size="compact-xs"
                variant={place === 1 ? 'filled' : 'default'}
                {...gate('floor.give', t('desk.give'))}
                onClick={() => void session.give(entry.site)}
                data-testid="give-floor"
              >
                {t('desk.give')}
              </Button>
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`${t('floor.toList')}: ${name.title}`}
                {...gate('list.add', t('floor.toList'))}
                onClick={() => void session.command('list.add', { site: entry.site })}
                data-testid="to-list"
              >
                <span className={siteRow.long}>{t('floor.toList')}</span>
                <span className={siteRow.short}>
                  <Icon name="toList" size={14} />
                </span>
              </Button>
              <Button
                size="compact-xs"
                variant="default"
                {...gate('stage.line_up', t('talkback.lineUp.add'), entry.inPreview || lined)}
                onClick={() => void session.lineUp(entry.site)}
                data-testid="line-up-hand"
                aria-label={`${t('talkback.lineUp.add')}: ${name.title}`}
              >
                <Icon name="next" size={14} />
              </Button>
              <Button
                size="compact-xs"
                variant="default"
                {...gate('stage.preview', t('desk.toPreview'), entry.inPreview)}
                aria-label={`${t('desk.toPreview')}: ${name.title}`}
                onClick={() => void session.preview(entry.site)}
              >
                <Icon name="screen" size={14} />
              </Button>
            </>
          )}
          {own && hand?.branch && sent === null && (
            <Button
              size="compact-xs"
              variant={place === 1 ? 'filled' : 'default'}
              {...gate('hand.forward')}
              onClick={() => session.write(entry.site, 'forward')}
              data-testid="forward-hand"
            >
              {t('floor.forward')} <kbd className="dc-kbd">F</kbd>
            </Button>
          )}
          {own && sent !== null && (
            <Button
              size="compact-xs"
              variant="default"
              {...gate('hand.recall')}
              onClick={() => void session.command('hand.recall', { site: entry.site })}
              data-testid="recall-hand"
            >
              {t('floor.recall')}
            </Button>
          )}
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-label={`${t('desk.lower')}: ${name.title}`}
            {...gate('hand.lower', t('desk.lower'))}
            onClick={() => session.write(entry.site, 'lower')}
            data-testid="lower-hand"
          >
            <Icon name="close" size={14} />
          </Button>
        </span>
      )}
    </li>
  );
}

/** How this hand came here, and with what note. */
function Way({ entry, own }: { entry: QueueEntry; own: boolean }) {
  const { t } = useTranslation();
  const session = useDesk();
  const operators = useLiveMeeting((s) => s.operators);
  const { hand } = entry;
  if (hand === null) return null;
  const unit = hand.branch === null ? undefined : session.roster.units.get(hand.branch);
  const place = unit === undefined ? (hand.branch ?? '') : titleOf(unit);
  if (hand.forwarded !== null)
    return (
      <p
        className={classes.way}
        data-way="sent"
        title={t('floor.forwardedHint', { name: hand.forwarded.by })}
      >
        <Icon name="enter" size={12} />
        {own ? t('floor.sent') : t('floor.forwardedBy', { place })}
        {hand.forwarded.note !== '' && <q data-testid="hand-note">{hand.forwarded.note}</q>}
      </p>
    );
  if (own) return null;
  if (hand.branch === null) return <p className={classes.way}>{t('floor.straight')}</p>;
  if (!isUnattended(hand, operators)) return null;
  return (
    <p className={classes.way} data-way="unattended" title={t('floor.unattendedHint', { place })}>
      <Icon name="warning" size={12} />
      {t('floor.unattended')}
    </p>
  );
}

/** The note for the centre, or the reason for the site: one line, Enter sends it. */
function NoteForm({ site, what }: { site: string; what: 'forward' | 'lower' }) {
  const { t } = useTranslation();
  const session = useDesk();
  const [text, setText] = useState('');
  const send = async () => {
    const done =
      what === 'forward'
        ? await session.command('hand.forward', { site, note: text.trim() })
        : await session.command('hand.lower', { site, reason: text.trim() });
    if (done) session.write(null);
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <TextInput
        size="xs"
        autoFocus
        maxLength={200}
        aria-label={t(what === 'forward' ? 'floor.forwardNote' : 'floor.lowerReason')}
        placeholder={t(what === 'forward' ? 'floor.forwardExample' : 'floor.lowerReason')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') session.write(null);
        }}
        data-testid="hand-note-text"
      />
      <Button size="compact-xs" type="submit" data-testid="hand-note-send">
        {t(what === 'forward' ? 'floor.forward' : 'floor.lowerDo')}
      </Button>
      <Button size="compact-xs" variant="subtle" color="gray" onClick={() => session.write(null)}>
        {t('floor.cancel')}
      </Button>
    </form>
  );
}

/** Picture and voice, as the machine has seen them. */
export function Ticks({ entry }: { entry: QueueEntry }) {
  const { t } = useTranslation();
  if (entry.role !== 'speaker')
    return <CheckMarks site={entry.site} otherwise={[entry.pictureOk, entry.voiceOk]} />;
  return (
    <Tick ok={entry.pictureOk} yes={t('desk.pictureOk')} no={t('desk.pictureNo')}>
      <Icon name="camera" size={16} />
    </Tick>
  );
}

function Tick({ ok, yes, no, children }: { ok: boolean; yes: string; no: string; children: ReactNode }) {
  return (
    <span className={siteRow.tick} data-ok={ok} title={ok ? yes : no}>
      {children}
      <span aria-hidden="true">{ok ? '✓' : '–'}</span>
      <span className="dc-hidden">{ok ? yes : no}</span>
    </span>
  );
}
