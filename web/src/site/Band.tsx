import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Mark } from '../design/marks';
import { SpeakerClock } from '../floor/Clock';
import { formatNumber, formatShortSpan } from '../i18n/format';
import type { Face } from '../models/site';
import { Prefs } from '../parts/Prefs';
import { useNow } from '../parts/useNow';
import classes from './band.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** One outline a state: ring with a tick, raised hand, filled bar, broken arc, triangle. */
function Shape({ face }: { face: Face }) {
  const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 4, strokeLinecap: 'round' as const };
  return (
    <svg className={classes.shape} viewBox="0 0 48 48" aria-hidden="true">
      {(face === 'ready' || face === 'in_meeting') && (
        <>
          <circle cx="24" cy="24" r="20" {...line} />
          <path d="M15 25l6 6 12-14" {...line} strokeLinejoin="round" />
        </>
      )}
      {face === 'invited' && (
        <path
          d="M15 45c-5 0-8-3.6-9.5-9L3.6 27c-.6-2.4 2.7-3.9 4.2-1.5L12 31.5V9.600c0-3.300 5-3.300 5 0V21h1.900V5.400c0-3.300 5-3.300 5 0V21h1.900V6.900c0-3.300 5-3.300 5 0v15.600h1.900v-9.900c0-3.300 4.800-3.300 4.800 0V33c0 7.800-4.500 12-11.700 12z"
          fill="currentColor"
        />
      )}
      {(face === 'on_air' || face === 'speaking') && (
        <>
          <rect x="2" y="8" width="44" height="32" rx="3" fill="currentColor" />
          <circle cx="24" cy="24" r="9" fill="var(--face)" />
        </>
      )}
      {face === 'away' && (
        <path d="M6 18a26 26 0 0 1 36 0M13 26a16 16 0 0 1 22 0M20 34a6 6 0 0 1 8 0M6 6l36 36" {...line} />
      )}
      {face === 'entering' && (
        <>
          <path d="M28 6h14v36H28" {...line} strokeLinejoin="round" />
          <path d="M4 24h24M20 15l9 9-9 9" {...line} strokeLinejoin="round" />
        </>
      )}
      {face === 'not_ready' && (
        <>
          <path d="M24 5l21 37H3z" {...line} strokeLinejoin="round" />
          <path d="M24 18v11M24 35v.5" {...line} />
        </>
      )}
    </svg>
  );
}

/** The state in colour, shape and words, for somebody three metres away. */
export function Band({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const me = useStore(session.store, (s) => s.me);
  const queue = useStore(session.wire.state, (s) => s.queue);
  const since = useStore(session.store, (s) => s.onAirSince);
  const link = useStore(session.wire.state, (s) => s.link);
  const degraded = useStore(session.store, (s) => s.degraded);
  const now = useNow();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const until = scene.state?.floor.speakers.find((s) => s.site === scene.me)?.until ?? null;
  const { face, mic, fault } = scene;
  const broken = link !== 'open' || fault === 'no_network';
  // The path begins with the unit itself, which the label has named.
  const above = me?.site?.path.split(', ').slice(1).join(', ') ?? '';
  const elsewhere = fault === 'replaced' || fault === 'not_authenticated';
  const hint = elsewhere
    ? ''
    : face === 'entering' && queue !== null
      ? t(scene.armed ? 'site.hint.entering' : 'site.hint.entering_tap', {
          place: formatNumber(queue.place),
          of: formatNumber(queue.of),
          seconds: formatNumber(Math.max(1, queue.seconds)),
        })
      : (face === 'on_air' || face === 'speaking') && mic !== 'open'
        ? t(`site.hint.${face}_${mic}`)
        : t(`site.hint.${face}`);
  return (
    <header className={classes.band}>
      <Shape face={face} />
      <div className={classes.words} role="status">
        <p className={classes.word}>{t(`site.face.${face}`)}</p>
        <p className={classes.hint}>{hint}</p>
      </div>
      {until !== null && (
        <div className={classes.limit}>
          <SpeakerClock until={until} skew={skew} large />
        </div>
      )}
      {until === null && face === 'on_air' && since !== null && (
        <p className={classes.clock} aria-label={t('site.onAirFor')}>
          {formatShortSpan(now - since)}
        </p>
      )}
      <div className={classes.who}>
        <h1 className={classes.name} title={me?.site?.path ?? ''}>
          {me?.site?.label ?? me?.name ?? t('site.title')}
        </h1>
        {above !== '' && <p className={classes.above}>{above}</p>}
        <p
          className={classes.link}
          data-testid="connection-state"
          data-state={broken && link === 'open' ? 'waiting' : link}
        >
          <span className={classes.chip}>
            <Mark name={broken ? 'offline' : degraded ? 'degraded' : 'ready'} silent />
            {fault === 'no_network'
              ? t('link.closed')
              : !broken && degraded
                ? t('mark.degraded')
                : t(`link.${link}`)}
          </span>
        </p>
      </div>
      <div className={classes.prefs}>
        <Prefs large />
      </div>
    </header>
  );
}
