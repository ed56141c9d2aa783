import { Button, TextInput } from '@mantine/core';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useNavigate } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { http, tab } from '../http';
import { formatDay, formatMinute, formatNumber } from '../i18n/format';
import { fold } from '../models/fold';
import { Prefs } from '../parts/Prefs';
import { useErrorText } from '../parts/useErrorText';
import type { BoardRow } from '../protocol/types';
import list from '../desk/list.module.css';
import classes from './board.module.css';
import { BoardSession } from './board';
import { SecrecyMark } from './Secrecy';
import { personSaid, placeSaid } from './words';

const deskOf = (row: BoardRow) => `/trung-tam/${encodeURIComponent(row.meeting.id)}`;

/** All meetings that run now, for who may see them: with their picture, their figures, and a way in. */
export default function BoardPage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [session] = useState(() => new BoardSession(http, tab));
  useEffect(() => {
    session.start();
    return () => session.close();
  }, [session]);
  const { rows, failed, loggedOut, notice } = useStore(session.store);
  const link = useStore(session.wire.state, (s) => s.link);
  const who = useStore(session.wire.state, (s) => s.who);
  const [words, setWords] = useState('');
  if (loggedOut) return <Navigate to="/dang-nhap" replace />;
  const wanted = fold(words).split(' ').filter(Boolean);
  const shown = (rows ?? []).filter((row) => {
    const text = fold(`${row.meeting.title} ${row.meeting.place.label} ${row.meeting.place.unit}`);
    return wanted.every((word) => text.includes(word));
  });
  const present = (rows ?? []).reduce((sum, row) => sum + row.present, 0);
  return (
    <div className={classes.page}>
      <header className={list.top}>
        <Link to="/trung-tam" aria-label={t('desk.back')}>
          <Icon name="back" />
        </Link>
        <span>{t('desk.title')}</span>
        <span className={list.who}>{who ? [who.name, who.title].filter(Boolean).join(' · ') : ''}</span>
        <Prefs />
      </header>
      <main className={classes.main}>
        <div className={classes.head}>
          <div>
            <h1>{t('many.title')}</h1>
            {rows !== null && (
              <p data-testid="board-total">
                {t('many.total', { meetings: formatNumber(rows.length), sites: formatNumber(present) })}
              </p>
            )}
          </div>
          <TextInput
            className={classes.find}
            aria-label={t('many.find')}
            placeholder={t('many.find')}
            leftSection={<Icon name="search" size={16} />}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            data-testid="board-find"
          />
        </div>
        {(failed !== null || (link !== 'open' && link !== 'connecting')) && (
          <p role="alert" className={classes.stale}>
            {errorText(failed ?? 'offline')}{' '}
            <Button size="compact-sm" variant="default" onClick={() => session.read()}>
              {t('app.retry')}
            </Button>
          </p>
        )}
        {notice !== null && <p role="alert">{errorText(notice)}</p>}
        {rows === null && failed === null && <p role="status">{t('app.loading')}</p>}
        {rows?.length === 0 && <p>{t('many.none')}</p>}
        {rows !== null && rows.length > 0 && shown.length === 0 && <p>{t('many.noneFound')}</p>}
        {shown.length > 0 && (
          <div className={classes.scroll}>
            <table className={classes.table} data-testid="board">
              <thead>
                <tr>
                  {(['picture', 'meeting', 'present', 'onAir', 'since', 'directs', 'act'] as const).map(
                    (name) => (
                      <th key={name} scope="col" className={name === 'present' ? classes.number : undefined}>
                        {t(`many.col.${name}`)}
                      </th>
                    ),
                  )}
                </tr>
              </thead>
              <tbody>
                {shown.map((row) => (
                  <Row key={row.meeting.id} row={row} session={session} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </main>
    </div>
  );
}

function Row({ row, session }: { row: BoardRow; session: BoardSession }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const { meeting } = row;
  const since = meeting.opened_at === null ? null : Date.parse(meeting.opened_at);
  const director = row.taken ?? row.led_by;
  const take = async () => {
    setBusy(true);
    if (await session.take(meeting.id)) await navigate(deskOf(row));
    else setBusy(false);
  };
  return (
    <tr data-testid="board-row" data-meeting={meeting.id} data-role={row.role}>
      <td>
        <RowStill row={row} session={session} />
      </td>
      <th scope="row">
        <SecrecyMark mark={meeting.secrecy} /> {meeting.title}
        <small>
          {t(`many.level.${meeting.level}`)} · {placeSaid(t, meeting.place)}
        </small>
      </th>
      <td className={classes.number}>
        {formatNumber(row.present)}/{formatNumber(meeting.sites)}
        {row.hands > 0 && (
          <small className={classes.amber}>{t('many.handsUp', { n: formatNumber(row.hands) })}</small>
        )}
        {row.away > 0 && <small className={classes.amber}>{t('many.awayCount', { n: row.away })}</small>}
      </td>
      <td>
        {row.on_air.length === 0 ? t('many.stageEmpty') : row.on_air.map((one) => one.label).join(', ')}
        {row.on_air.length === 1 && <small>{row.on_air[0]?.path}</small>}
      </td>
      <td>
        {since === null ? '–' : formatMinute(since)}
        {since !== null && <small>{formatDay(since)}</small>}
      </td>
      <td>
        {director === null ? t('many.nobody') : personSaid(director)}
        {row.taken !== null && (
          <small className={classes.amber}>{t('many.takenBy', { name: row.taken.name })}</small>
        )}
        {row.observers > 0 && <small>{t('many.watched', { n: row.observers })}</small>}
      </td>
      <td>
        <span className={classes.acts}>
          <Button
            component={Link}
            to={deskOf(row)}
            size="compact-sm"
            variant="default"
            aria-label={`${row.role === 'oversees' ? t('many.watch') : t('many.enter')}: ${meeting.title}`}
            data-testid="board-watch"
          >
            {row.role === 'oversees' ? t('many.watch') : t('many.enter')}
          </Button>
          {row.role === 'oversees' && (
            <Button
              size="compact-sm"
              loading={busy}
              disabled={row.taken !== null}
              onClick={() => void take()}
              aria-label={t('many.takeFor', { title: meeting.title })}
              data-testid="board-take"
            >
              {t('many.take')}
            </Button>
          )}
        </span>
      </td>
    </tr>
  );
}

/** The newest still of who is on air; none is kept of a marked meeting. */
function RowStill({ row, session }: { row: BoardRow; session: BoardSession }) {
  const { t } = useTranslation();
  const site = row.on_air[0]?.site ?? null;
  const watch = useCallback(
    (changed: () => void) => (site === null ? () => undefined : session.stills.watch(site, changed)),
    [session, site],
  );
  const still = useSyncExternalStore(watch, () => session.stills.get(site ?? ''));
  if (row.meeting.secrecy !== 'none') return <div className={classes.still}>{t('many.notKept')}</div>;
  if (site === null) return <div className={classes.still}>{t('many.stageEmpty')}</div>;
  return (
    <div className={classes.still}>
      {still.url === null ? t('many.noPicture') : <img src={still.url} alt={row.on_air[0]?.label ?? ''} />}
    </div>
  );
}
