import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { useStore } from 'zustand';
import { formatNumber } from '../i18n/format';
import { summary } from '../models/rollcall';
import type { Level } from '../protocol/types';
import classes from './attendance.module.css';
import { AttendanceDialog } from './AttendanceDialog';
import { useDesk, useMeetingState, useRosterVersion } from './useDesk';

/** Who is in, by level: present of invited. Each figure opens whom it was counted from. */
export function Attendance() {
  const { t } = useTranslation();
  const { roster } = useDesk();
  const [asked, setAsked] = useState<Level | 'all' | null>(null);
  useRosterVersion();
  const figure = (level: Level | 'all', joined: number, invited: number) => (
    <button
      type="button"
      title={t('desk.countedHint')}
      data-full={joined === invited}
      data-testid={level === 'all' ? 'joined-count' : `joined-${level}`}
      onClick={() => setAsked(level)}
    >
      {formatNumber(joined)}/{formatNumber(invited)}
    </button>
  );
  return (
    <section className={classes.attendance} aria-label={t('desk.attendance')}>
      <div className={classes.head}>
        <h2>{t('desk.attendance')}</h2>
        {figure('all', roster.joined, roster.invited)}
      </div>
      <dl>
        {roster.byLevel().map((c) => (
          <div key={c.level}>
            <dt>{t(`level.${c.level}`)}</dt>
            <dd>{figure(c.level, c.joined, c.invited)}</dd>
          </div>
        ))}
      </dl>
      <RollLine />
      {asked !== null && <AttendanceDialog level={asked} onClose={() => setAsked(null)} />}
    </section>
  );
}

/** What people say, beside what the machine counts: the way to the roll call. */
function RollLine() {
  const { t } = useTranslation();
  const session = useDesk();
  const { call, totals } = useStore(session.roll.store);
  const status = useMeetingState()?.status;
  const may = useStore(session.wire.state, (s) => s.who?.may.includes('rollcall.open') ?? false);
  const navigate = useNavigate();
  const page = `/trung-tam/${session.meeting}/diem-danh`;
  if (call === null) return null;
  // One press opens it and goes there: who pressed “open” is not asked to press it again.
  if (call === 'none' && may && status === 'open')
    return (
      <button
        type="button"
        className={classes.roll}
        onClick={() => void session.command('rollcall.open', {}).then((ok) => ok && navigate(page))}
        data-testid="roll-line"
      >
        <span>{t('rollcall.title')}</span>
        <span>{t('rollcall.open')}</span>
      </button>
    );
  return (
    <Link to={page} className={classes.roll} title={t('rollcall.view')} data-testid="roll-line">
      <span>{t('rollcall.title')}</span>
      {call === 'none' ? (
        <span>{t('lookup.rollNone')}</span>
      ) : (
        <strong data-testid="roll-summary">{summary(totals, formatNumber)}</strong>
      )}
    </Link>
  );
}
