import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useDeskState, useMeetingState, useNames } from '../desk/useDesk';
import { useGate } from '../desk/useGate';
import { Mark, MicMark } from '../design/marks';
import { formatExact, formatShortSpan } from '../i18n/format';
import { levelOf } from '../media/meter';
import { isLoud, type QueueEntry } from '../models/floor';
import { useNow } from '../parts/useNow';
import siteRow from '../parts/siteRow.module.css';
import { SpeakerClock } from './Clock';
import classes from './floor.module.css';
import { Ticks } from './Hands';

const MORE = [1, 2, 5] as const;

/** A site that has the floor: its clock, its microphone, what can be done with it. */
export function Speaking({ entry }: { entry: QueueEntry }) {
  const { t } = useTranslation();
  const session = useDesk();
  const gate = useGate();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  const centre = useMeetingState()?.reach === 'centre';
  const name = useNames()(entry.site);
  const selected = useDeskState((s) => s.selected?.kind === 'site' && s.selected.id === entry.site);
  const { asked, until } = entry.speaker ?? { asked: null, until: null };
  const loud = isLoud(entry);
  const answer =
    asked === null ? null : asked.answer === null ? 'asked' : asked.answer === 'no' ? 'declined' : null;
  return (
    <li
      className={`${siteRow.row} ${classes.entry}`}
      data-testid="hand-item"
      data-role="speaker"
      data-site={entry.site}
      data-selected={selected}
      data-loud={loud}
    >
      <span className={siteRow.place}>
        <Mark name={entry.onAir ? 'on_air' : 'speaking'} />
      </span>
      <button
        type="button"
        className={siteRow.name}
        title={[name.title, name.path].filter(Boolean).join(', ')}
        onClick={() => session.select({ kind: 'site', id: entry.site })}
      >
        <span className="dc-hidden">{t('site.title')} </span>
        {name.title}
        {name.path && <small>{name.path}</small>}
      </button>
      <span className={siteRow.ticks}>
        <Ticks entry={entry} />
        <span className={classes.level} title={entry.level === null ? '' : `${entry.level} dBov`}>
          <MicMark mic={entry.mic} />
          <span style={{ transform: `scaleX(${entry.level === null ? 0 : levelOf(entry.level)})` }} />
        </span>
      </span>
      {answer !== null && (
        <p className={classes.asked} data-answer={answer} data-testid="asked" role="status">
          {t(`floor.${answer}`)}
        </p>
      )}
      <span className={siteRow.wide}>
        <span className={classes.clock}>
          {loud && (
            <b className={classes.loud}>
              <Mark name="speaking" size={12} silent />{' '}
              <span className={siteRow.long}>{t('lookup.loud')}</span>
            </b>
          )}
          {until === null ? (
            <time title={formatExact(entry.at)}>{formatShortSpan(now - entry.at)}</time>
          ) : (
            <SpeakerClock until={until} skew={skew} />
          )}
        </span>
        {entry.mic === 'off' ? (
          <Button
            size="compact-xs"
            variant="filled"
            {...gate('mic.ask', undefined, answer === 'asked')}
            onClick={() => void session.command('mic.ask', { site: entry.site })}
            data-testid="ask-unmute"
          >
            {t('floor.askUnmute')}
          </Button>
        ) : (
          <Button
            size="compact-xs"
            variant="default"
            {...(entry.mic === 'muted'
              ? gate('unmute', t('desk.unmuteSite'))
              : gate('mute', t('desk.muteSite')))}
            onClick={() => void session.toggleMute({ kind: 'site', id: entry.site })}
            data-testid="mute-site"
          >
            <span className={siteRow.long}>
              {entry.mic === 'muted' ? t('desk.unmuteSite') : t('desk.muteSite')}
            </span>
            <span className={siteRow.short}>
              <MicMark mic={entry.mic === 'muted' ? 'open' : 'muted'} silent plain />
            </span>
          </Button>
        )}
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t('desk.end')}
          {...gate('floor.end', t('desk.end'))}
          onClick={() => void session.end(entry.site)}
          data-testid="end-floor"
        >
          {t('lookup.end')}
        </Button>
        {centre &&
          MORE.map((n) => (
            <Button
              key={n}
              className={n === 2 ? `${siteRow.more}` : ''}
              size="compact-xs"
              variant="default"
              aria-label={t('floor.extend', { n })}
              {...gate('floor.extend', t('floor.extend', { n }))}
              onClick={() => void session.command('floor.extend', { site: entry.site, minutes: n })}
              data-testid={`extend-${n}`}
            >
              +{n}
            </Button>
          ))}
      </span>
    </li>
  );
}
