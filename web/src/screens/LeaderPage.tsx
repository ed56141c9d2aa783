import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { callSite } from '../desk/call';
import { Mark, type MarkName } from '../design/marks';
import { SpeakerClock } from '../floor/Clock';
import { formatClock, formatNumber } from '../i18n/format';
import { floorQueue, standingOf } from '../models/floor';
import { awaitsPicture } from '../models/live';
import { lookOf } from '../models/stage';
import { Picture } from '../parts/Picture';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { PRESENTATION } from '../protocol/types';
import { HoldingPicture, NoSlides } from '../stage/HoldingPicture';
import { StageFrame } from '../stage/StageFrame';
import { shortlist } from './api';
import classes from './leader.module.css';
import { Opened } from './Open';
import { ScreenSession, STAGE_LINES } from './session';
import { useFacet, useJoined, useLive, useMeeting, useName, useScreen } from './useScreen';

const NEXT = 5;

/** What the leader sees beside the desk: what is on air, who speaks next, his shortlist. No menus. */
export default function LeaderPage() {
  return (
    <Opened
      make={(http, meeting, tab, label) =>
        new ScreenSession(http, meeting, tab, {
          kind: 'leader',
          videoLines: STAGE_LINES,
          topics: ['presence', 'levels', 'operators'],
          roster: true,
          label,
        })
      }
    >
      <Leader />
    </Opened>
  );
}

function Leader() {
  const { t } = useTranslation();
  return (
    <main className={classes.page} aria-label={t('screens.leader')}>
      <OnAir />
      <Next />
      <Shortlist />
      <Notice />
    </main>
  );
}

function OnAir() {
  const { t } = useTranslation();
  const session = useScreen();
  const state = useMeeting();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const link = useStore(session.wire.state, (s) => s.link);
  const streams = useStore(session.viewer.store, (s) => s.video);
  const look = lookOf(state?.stage, 'on_air');
  const { slots } = look;
  const hold = state?.stage.hold ?? null;
  return (
    <section className={classes.onair} aria-label={t('desk.onAir')} data-testid="leader-onair">
      <header>
        <Mark name="on_air" silent plain />
        <h1>{t('desk.onAir')}</h1>
        {link !== 'open' && <span role="status">{t(`link.${link}`)}</span>}
        <time>{formatClock(useNow() + skew)}</time>
      </header>
      <div className={classes.screen}>
        <StageFrame
          look={look}
          over={hold !== null && state !== null && <HoldingPicture title={state.title} hold={hold} />}
        >
          {({ line, slot }) => <OnAirSlot line={line} slot={slot} stream={streams[line] ?? null} />}
        </StageFrame>
        {slots.every((site) => site === null) && hold === null && <p>{t('screens.nothingOnAir')}</p>}
      </div>
      <ul className={classes.names}>
        {slots.map(
          (site, line) => site !== null && site !== PRESENTATION && <OnAirName key={line} site={site} />,
        )}
      </ul>
    </section>
  );
}

function OnAirSlot({
  line,
  slot,
  stream,
}: {
  line: number;
  slot: string | null;
  stream: MediaStream | null;
}) {
  const { t } = useTranslation();
  const [live, setLive] = useState(false);
  const ended = useMeeting()?.stage.presentation === null;
  return (
    <>
      <Picture
        stream={stream}
        testid={`leader-video-${line}`}
        label={t('desk.onAir')}
        hidden={slot === null}
        onLive={setLive}
      />
      {slot === PRESENTATION && !live && <NoSlides ended={ended} />}
    </>
  );
}

function OnAirName({ site }: { site: string }) {
  const { t } = useTranslation();
  const { title, path } = useName(site);
  const awaited = useLive((s) => awaitsPicture(s, site));
  const speaks = useLive((s) => s.speaking.includes(site));
  return (
    <li>
      <b>{title}</b> <span>{path}</span>
      {awaited && <em>{t('screens.calling')}</em>}
      {speaks && <Mark name="speaking" size={24} />}
    </li>
  );
}

/** Who has the floor, who is lined up, then who asked for it, in their order. */
function Next() {
  const { t } = useTranslation();
  const live = useLive((s) => s);
  const queue = floorQueue(live);
  const speakers = queue.filter((entry) => entry.role === 'speaker');
  const hands = queue.filter((entry) => entry.role !== 'speaker');
  const lined = (live.state?.stage.preview ?? []).filter(
    (site): site is string =>
      site !== null && site !== PRESENTATION && !speakers.some((entry) => entry.site === site),
  );
  const waiting = hands.filter((entry) => !lined.includes(entry.site));
  return (
    <section className={classes.next} aria-label={t('screens.nextSpeakers')} data-testid="leader-next">
      <h2>{t('screens.nextSpeakers')}</h2>
      <ol>
        {speakers.map((entry) => (
          <Person
            key={entry.site}
            site={entry.site}
            mark="speaking"
            word={t('screens.hasFloor')}
            until={entry.speaker?.until ?? null}
          />
        ))}
        {lined.map((site) => (
          <Person key={site} site={site} mark="preview" word={t('screens.linedUp')} />
        ))}
        {waiting.slice(0, NEXT).map((entry) => (
          <Person
            key={entry.site}
            site={entry.site}
            mark="hand"
            word={t('screens.place', { n: entry.place })}
          />
        ))}
      </ol>
      {queue.length + lined.length === 0 && <p>{t('screens.nobodyNext')}</p>}
      {waiting.length > NEXT && <p>{t('screens.moreHands', { n: formatNumber(waiting.length - NEXT) })}</p>}
    </section>
  );
}

function Person({
  site,
  mark,
  word,
  until = null,
}: {
  site: string;
  mark: MarkName;
  word: string;
  until?: string | null;
}) {
  const { title, path } = useName(site);
  const skew = useStore(useScreen().wire.state, (s) => s.skew);
  return (
    <li data-site={site}>
      <Mark name={mark} size={24} silent />
      <span>
        <b>{title}</b>
        <small>{path}</small>
      </span>
      <em>
        {word} <SpeakerClock until={until} skew={skew} />
      </em>
    </li>
  );
}

/** The sites that he may want, in large names: one touch calls. */
function Shortlist() {
  const { t } = useTranslation();
  const session = useScreen();
  const queries = useQueryClient();
  const key = ['shortlist', session.meeting];
  const { data } = useQuery({
    queryKey: key,
    queryFn: () => shortlist(session.meeting),
    staleTime: Infinity,
  });
  // Every word of the server to this window may mean that the list has changed.
  const told = useStore(session.wire.state, (s) => s.screen?.n ?? 0);
  useEffect(() => {
    if (told > 0) void queries.invalidateQueries({ queryKey: ['shortlist', session.meeting] });
  }, [told, queries, session]);
  return (
    <section className={classes.list} aria-label={t('screens.shortlist')} data-testid="leader-shortlist">
      <h2>{t('screens.shortlist')}</h2>
      {data?.length === 0 && <p>{t('screens.noShortlist')}</p>}
      <div data-many={(data?.length ?? 0) > 8}>
        {data?.map((site) => (
          <Call key={site} site={site} />
        ))}
      </div>
    </section>
  );
}

function Call({ site }: { site: string }) {
  const { t } = useTranslation();
  const session = useScreen();
  const { title, path } = useName(site);
  const joined = useJoined(site);
  const standing = useLive((s) => standingOf(s.state, site, joined));
  const open = useMeeting()?.status === 'open';
  const [calling, setCalling] = useState(false);
  const reachable = joined || session.may.includes('call.start');
  const word = standing === 'joined' ? t('screens.touch') : t(`mark.${standing}`);
  return (
    <button
      type="button"
      className={classes.call}
      data-standing={standing}
      data-testid="leader-call"
      data-site={site}
      disabled={!open || !reachable || calling || standing === 'on_air'}
      onClick={() => {
        setCalling(true);
        void callSite(session, site, joined).finally(() => setCalling(false));
      }}
    >
      <b>{title}</b>
      <small>{path}</small>
      <em>
        <Mark name={standing} size={20} silent plain />
        {calling ? t('screens.callingNow') : word}
      </em>
    </button>
  );
}

function Notice() {
  const notice = useFacet((s) => s.notice);
  const errorText = useErrorText();
  return notice === null ? null : (
    <p className={classes.notice} role="alert" key={notice.at}>
      {errorText(notice.code)}
    </p>
  );
}
