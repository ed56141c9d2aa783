import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Mark } from '../design/marks';
import { formatClock, formatDay, formatSpan } from '../i18n/format';
import { StepBars } from '../parts/StepBars';
import { useNow } from '../parts/useNow';
import classes from './statusbar.module.css';
import { useDesk, useLiveMeeting, useMeetingState, useNames } from './useDesk';

/** Sites named in the hint behind the count of weak lines. */
const NAMED = 20;

/** One calm line: the hour, how long, who speaks, and whether we are connected. */
export function StatusBar() {
  const { t } = useTranslation();
  const session = useDesk();
  const link = useStore(session.wire.state, (s) => s.link);
  const waiting = useStore(session.wire.state, (s) => s.waiting);
  const skew = useStore(session.wire.state, (s) => s.skew);
  const state = useMeetingState();
  const speaking = useLiveMeeting((s) => s.speaking);
  const names = useNames();
  const steps = useLiveMeeting((s) => s.steps);
  const weak = [...steps.keys()]
    .slice(0, NAMED)
    .map((site) => names(site).title)
    .join(', ');
  const now = useNow() + skew;
  const opened = state?.opened_at ?? null;
  const until = state?.ended_at ?? null;
  return (
    <footer className={classes.bar}>
      <time title={formatDay(now)}>{formatClock(now)}</time>
      {opened !== null && (
        <span>
          {t('desk.duration', {
            time: formatSpan((until === null ? now : Date.parse(until)) - Date.parse(opened)),
          })}
        </span>
      )}
      {state?.status === 'scheduled' && <span>{t('desk.notOpen')}</span>}
      {state?.status === 'ended' && <span>{t('desk.ended')}</span>}
      {state?.status === 'open' && (
        <span className={classes.speaks} data-testid="who-speaks">
          {speaking.length === 0 ? (
            t('desk.nobodySpeaks')
          ) : (
            <>
              <Mark name="speaking" silent /> {t('desk.speaks')}:{' '}
              {speaking.map((site) => (
                <button
                  key={site}
                  type="button"
                  className={classes.name}
                  onClick={() => session.select({ kind: 'site', id: site })}
                >
                  {names(site).title}
                </button>
              ))}
            </>
          )}
        </span>
      )}
      {waiting > 0 && (
        <span className={classes.speaks} title={t('desk.waitingWhy')} data-testid="waiting-sites">
          <Icon name="enter" size={16} />
          {t('desk.waiting', { count: waiting })}
        </span>
      )}
      {weak.length > 0 && (
        <span
          className={classes.speaks}
          title={`${t('desk.weakLinesWhy')}: ${weak}`}
          data-testid="weak-lines"
        >
          <StepBars step="low" size={14} />
          {t('desk.weakLines', { count: steps.size })}
        </span>
      )}
      <span className={classes.link} role="status" data-testid="connection-state" data-state={link}>
        <Mark name={link === 'open' ? 'ready' : 'offline'} silent />
        {t(`link.${link}`)}
      </span>
    </footer>
  );
}
