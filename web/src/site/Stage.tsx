import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { awaitsPicture } from '../models/live';
import { shownTo } from '../models/meeting';
import { lookOf } from '../models/stage';
import { Picture, useLive } from '../parts/Picture';
import { slidesOf } from '../protocol/http';
import { PRESENTATION, type Step } from '../protocol/types';
import { Caption, captionOf } from '../stage/Caption';
import { HoldingPicture, NoSlides } from '../stage/HoldingPicture';
import { StageFrame, type SlotPlace } from '../stage/StageFrame';
import { LineBadge, useStep } from './LineBadge';
import type { SiteSession } from './session';
import classes from './stage.module.css';
import type { SiteScene } from './useSite';

/** What the whole country sees: pictures in the director's layout with their names, or the holding picture. */
export function Stage({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const streams = useStore(session.viewer.store, (s) => s.video);
  const cannotShow = useStore(session.viewer.store, (s) => s.phase === 'cannot_show');
  const { state } = scene;
  const step = useStep(session);
  const look = lookOf(state?.stage, 'on_air');
  const hold = state?.stage.hold ?? null;
  return (
    <section className={classes.stage} aria-label={t('site.stage')}>
      <StageFrame
        look={look}
        over={hold !== null && state !== null && <HoldingPicture title={state.title} hold={hold} />}
      >
        {(place) => (
          <Slot
            place={place}
            stream={streams[place.line] ?? null}
            scene={scene}
            single={look.slots.length === 1}
            silent={cannotShow || hold !== null}
            session={session}
            step={step}
          />
        )}
      </StageFrame>
      <LineBadge session={session} scene={scene} step={step} />
    </section>
  );
}

interface SlotProps {
  place: SlotPlace;
  stream: MediaStream | null;
  scene: SiteScene;
  single: boolean;
  silent: boolean;
  session: SiteSession;
  step: Step;
}

function Slot({ place, stream, scene, single, silent, session, step }: SlotProps) {
  const { t } = useTranslation();
  const { line, used, small } = place;
  const [live, setLive] = useLive();
  const { state, me } = scene;
  const site = state ? shownTo(me, state, line) : null;
  const waits = useWaits(live, site);
  const awaited = useStore(session.meeting.store, (s) => awaitsPicture(s, site));
  const slides = site === PRESENTATION;
  const presented = (state?.stage.presentation ?? null) !== null;
  const stills = (step === 'slides' || (step === 'low' && !live)) && (!slides || presented);
  const known = site === null ? undefined : state?.sites[site];
  const label = site === null ? null : slides ? t('direction.slides') : (known?.label ?? site);
  // Where a rehearsal's stage is empty the machine shows its pictures.
  const machine = line === 0 && site === null && state?.kind === 'rehearsal';
  // Alone on air, and nobody chairs: there is nobody else's picture to show.
  const own = me !== null && state?.stage.on_air.includes(me) === true;
  const isChair = site !== null && site === state?.chair_site;
  return (
    <>
      <Picture
        stream={stream}
        testid={`stage-video-${line}`}
        label={label ?? t('site.stage')}
        hidden={(site === null && !machine) || silent}
        onLive={setLive}
      />
      {site === null && !machine && (
        <p className={classes.empty}>{single ? t(own ? 'site.stageOwn' : 'site.stageEmpty') : ''}</p>
      )}
      {/* A video whose frames stop goes on counting time: the step knows better. */}
      {site !== null && used && stills && (
        <StillPicture
          session={session}
          of={slides ? slidesOf(state?.id ?? '') : site}
          label={label ?? site}
        />
      )}
      {slides && !live && !stills && !silent && <NoSlides ended={!presented} />}
      {site !== null && !slides && !live && waits && !silent && step === 'high' && (
        <p className={classes.empty}>{t('site.waitingPicture')}</p>
      )}
      {label !== null && awaited && live && !silent && (
        <p className={classes.switching} role="status">
          {t('site.switching', { name: label })}
        </p>
      )}
      {site !== null && !slides && !silent && !(awaited && live) && state?.stage.captions.on === true && (
        <Caption
          words={captionOf(state, site, { title: known?.label ?? site, path: known?.path ?? '' })}
          small={small}
          chair={isChair}
          testid={`stage-caption-${line}`}
        />
      )}
    </>
  );
}

/** The newest still of a site, or of what is presented, where the line carries no video. */
function StillPicture({ session, of, label }: { session: SiteSession; of: string; label: string }) {
  const { t } = useTranslation();
  const { stills } = session;
  const watch = useCallback((changed: () => void) => stills.watch(of, changed), [stills, of]);
  const still = useSyncExternalStore(watch, () => stills.get(of));
  return still.url === null ? (
    <p className={classes.empty}>{t('site.line.noStill')}</p>
  ) : (
    <img
      className={classes.still}
      src={still.url}
      alt={t('site.line.stillOf', { name: label })}
      data-testid="stage-still"
    />
  );
}

/** True when a picture has been missing long enough to be worth a word. */
function useWaits(live: boolean, site: string | null): boolean {
  const [missing, setMissing] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setMissing(live ? null : site), live ? 0 : 1_200);
    return () => clearTimeout(timer);
  }, [live, site]);
  return !live && missing !== null && missing === site;
}
