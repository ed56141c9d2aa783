import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { awaitsPicture } from '../models/live';
import { shownTo } from '../models/meeting';
import { Picture, useLive } from '../parts/Picture';
import type { Step } from '../protocol/types';
import { LineBadge, useStep } from './LineBadge';
import type { SiteSession } from './session';
import classes from './stage.module.css';
import type { SiteScene } from './useSite';

const LINES = [0, 1, 2, 3] as const;

/** What the whole country sees: 1, 2 or 4 pictures with their names. */
export function Stage({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const streams = useStore(session.viewer.store, (s) => s.video);
  const cannotShow = useStore(session.viewer.store, (s) => s.phase === 'cannot_show');
  const { state } = scene;
  const step = useStep(session);
  const size = state?.stage.on_air.length ?? 1;
  return (
    <section className={classes.stage} data-size={size} aria-label={t('site.stage')}>
      {LINES.map((line) => (
        <Slot
          key={line}
          line={line}
          stream={streams[line] ?? null}
          scene={scene}
          used={line < size}
          single={size === 1}
          silent={cannotShow}
          session={session}
          step={step}
        />
      ))}
      <LineBadge session={session} scene={scene} step={step} />
    </section>
  );
}

interface SlotProps {
  line: number;
  stream: MediaStream | null;
  scene: SiteScene;
  used: boolean;
  single: boolean;
  silent: boolean;
  session: SiteSession;
  step: Step;
}

function Slot({ line, stream, scene, used, single, silent, session, step }: SlotProps) {
  const { t } = useTranslation();
  const [live, setLive] = useLive();
  const { state, me } = scene;
  const site = state ? shownTo(me, state, line) : null;
  const waits = useWaits(live, site);
  const awaited = useStore(session.meeting.store, (s) => awaitsPicture(s, site));
  const label = site === null ? null : (state?.sites[site]?.label ?? site);
  // Where a rehearsal's stage is empty the machine shows its pictures.
  const machine = line === 0 && site === null && state?.kind === 'rehearsal';
  const isChair = site !== null && site === state?.chair_site;
  return (
    <figure className={classes.slot} hidden={!used}>
      <Picture
        stream={stream}
        testid={`stage-video-${line}`}
        label={label ?? t('site.stage')}
        hidden={(site === null && !machine) || silent}
        onLive={setLive}
      />
      {site === null && !machine && <p className={classes.empty}>{single ? t('site.stageEmpty') : ''}</p>}
      {/* A video whose frames stop goes on counting time: the step knows better. */}
      {site !== null && used && (step === 'slides' || (step === 'low' && !live)) && (
        <StillPicture session={session} site={site} label={label ?? site} />
      )}
      {site !== null && !live && waits && !silent && step === 'high' && (
        <p className={classes.empty}>{t('site.waitingPicture')}</p>
      )}
      {label !== null && (
        <figcaption className={classes.caption}>
          <span>{awaited && live ? t('site.switching', { name: label }) : label}</span>
          {isChair && <span className={classes.chair}>{t('site.chair')}</span>}
        </figcaption>
      )}
    </figure>
  );
}

/** The newest still of a site, where its line carries no video. */
function StillPicture({ session, site, label }: { session: SiteSession; site: string; label: string }) {
  const { t } = useTranslation();
  const { stills } = session;
  const watch = useCallback((changed: () => void) => stills.watch(site, changed), [stills, site]);
  const still = useSyncExternalStore(watch, () => stills.get(site));
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
