import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { formatExact, formatNumber, formatShortSpan } from '../i18n/format';
import { levelOf } from '../media/meter';
import { floorQueue, type QueueEntry } from '../models/floor';
import { useNow } from '../parts/useNow';
import { CheckMarks } from '../talkback/CheckMarks';
import classes from './queue.module.css';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useNames } from './useDesk';

/** Who has the floor, then who waits; picture and voice are ticked by the machine before the cut. */
export function Queue() {
  const { t } = useTranslation();
  const live = useLiveMeeting(useShallow((s) => ({ ...s })));
  const entries = floorQueue(live);
  const speakers = entries.filter((e) => e.role === 'speaker');
  const hands = entries.filter((e) => e.role === 'hand');
  return (
    <section className={classes.queue} data-region="queue" aria-label={t('desk.queue')}>
      {speakers.length > 0 && (
        <>
          <h2 className={classes.head}>{t('desk.speaking')}</h2>
          <ul className={classes.list}>
            {speakers.map((e) => (
              <Entry key={e.site} entry={e} first={false} />
            ))}
          </ul>
        </>
      )}
      <h2 className={classes.head}>
        {t('desk.queue')} <span>{formatNumber(hands.length)}</span>
      </h2>
      {hands.length === 0 ? (
        <p className={classes.empty}>{t('desk.queueEmpty')}</p>
      ) : (
        <ol className={classes.list}>
          {hands.map((e, i) => (
            <Entry key={e.site} entry={e} first={i === 0} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Entry({ entry, first }: { entry: QueueEntry; first: boolean }) {
  const { t } = useTranslation();
  const session = useDesk();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  const name = useNames()(entry.site);
  const selected = useDeskState((s) => s.selected?.kind === 'site' && s.selected.id === entry.site);
  const lined = useMeetingState()?.stage.line_up?.includes(entry.site) ?? false;
  const speaker = entry.role === 'speaker';
  const span = formatShortSpan(now - entry.at);
  return (
    <li
      className={classes.entry}
      data-testid="hand-item"
      data-role={entry.role}
      data-site={entry.site}
      data-selected={selected}
    >
      <span className={classes.place}>
        {speaker ? <Mark name={entry.onAir ? 'on_air' : 'speaking'} /> : entry.place}
      </span>
      <button
        type="button"
        className={classes.name}
        onClick={() => session.select({ kind: 'site', id: entry.site })}
      >
        <span className="dc-hidden">{t('site.title')} </span>
        {name.title}
        <small>
          {name.path && `${name.path} · `}
          <time title={formatExact(entry.at)}>{speaker ? span : t('desk.waits', { time: span })}</time>
        </small>
      </button>
      <span className={classes.ticks}>
        {speaker ? (
          <>
            <Tick ok={entry.pictureOk} yes={t('desk.pictureOk')} no={t('desk.pictureNo')}>
              <Icon name="camera" size={16} />
            </Tick>
            <span className={classes.level} title={entry.level === null ? '' : `${entry.level} dBov`}>
              <MicMark mic={entry.mic} />
              <span style={{ transform: `scaleX(${entry.level === null ? 0 : levelOf(entry.level)})` }} />
            </span>
          </>
        ) : (
          <CheckMarks site={entry.site} otherwise={[entry.pictureOk, entry.voiceOk]} />
        )}
      </span>
      <span className={classes.actions}>
        {speaker ? (
          <>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => void session.end(entry.site)}
              data-testid="end-floor"
            >
              {t('desk.end')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              disabled={entry.mic === 'off'}
              onClick={() => void session.toggleMute({ kind: 'site', id: entry.site })}
              data-testid="mute-site"
            >
              {entry.mic === 'muted' ? t('desk.unmuteSite') : t('desk.muteSite')}
            </Button>
          </>
        ) : (
          <>
            <Button
              size="compact-xs"
              variant={first ? 'filled' : 'default'}
              onClick={() => void session.give(entry.site)}
              data-testid="give-floor"
            >
              {t('desk.give')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              disabled={entry.inPreview}
              onClick={() => void session.preview(entry.site)}
            >
              {t('desk.toPreview')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              disabled={entry.inPreview || lined}
              onClick={() => void session.lineUp(entry.site)}
              data-testid="line-up-hand"
              aria-label={`${t('talkback.lineUp.add')}: ${name.title}`}
              title={t('talkback.lineUp.add')}
            >
              <Icon name="next" size={14} />
            </Button>
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              aria-label={`${t('desk.lower')}: ${name.title}`}
              title={t('desk.lower')}
              onClick={() => void session.command('hand.lower', { site: entry.site })}
            >
              <Icon name="close" size={14} />
            </Button>
          </>
        )}
      </span>
    </li>
  );
}

function Tick({
  ok,
  yes,
  no,
  children,
}: {
  ok: boolean;
  yes: string;
  no: string;
  children: React.ReactNode;
}) {
  return (
    <span className={classes.tick} data-ok={ok} title={ok ? yes : no}>
      {children}
      <span aria-hidden="true">{ok ? '✓' : '–'}</span>
      <span className="dc-hidden">{ok ? yes : no}</span>
    </span>
  );
}
