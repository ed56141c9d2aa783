import type { TFunction } from 'i18next';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { formatExact, relativeSpan } from '../i18n/format';
import { micOf, standingOf } from '../models/floor';
import { LIVE_LINES } from '../models/wall/lines';
import { staleAfter } from '../models/wall/stale';
import { Picture } from '../parts/Picture';
import { useNowAs } from '../parts/useNow';
import { STAGE_LINES } from './session';
import { useJoined, useLive, useName, useTilePicture, useWall, useWallState } from './useScreen';
import classes from './wall.module.css';

interface TileProps {
  site: string;
  id: string;
  active: boolean;
  onActive: (site: string) => void;
}

/** One site: its picture with its age, or its live picture; name and marks below. Its place never changes by itself. */
export const WallTile = memo(function WallTile({ site, id, active, onActive }: TileProps) {
  const { t } = useTranslation();
  const session = useWall();
  const { title, path } = useName(site);
  const joined = useJoined(site);
  const standing = useLive((s) => standingOf(s.state, site, joined));
  const mic = useLive((s) => micOf(s.state, site));
  const full = path === '' ? title : `${title}, ${path}`;
  const pinned = useWallState((s) => s.layout.pins.includes(site));
  const [over, setOver] = useState(false);
  return (
    <div
      id={id}
      role="gridcell"
      aria-selected={active}
      aria-description={path}
      className={classes.tile}
      data-active={active}
      data-standing={standing}
      data-testid="wall-tile"
      data-site={site}
      onPointerEnter={() => {
        setOver(true);
        session.point(site);
      }}
      onPointerLeave={() => {
        setOver(false);
        session.leave(site);
      }}
      onClick={() => onActive(site)}
      onDoubleClick={() => session.call(site)}
    >
      <TilePicture site={site} joined={joined} title={title} t={t} />
      <p className={classes.caption} title={full}>
        <Mark name={standing} size={12} />
        <span>{title}</span>
        {mic !== 'off' && <MicMark mic={mic} size={12} />}
        {/* Only where it can be reached: hundreds of tiles come and go while the wall scrolls. */}
        {(over || active || pinned) && (
          <button
            type="button"
            className={classes.pin}
            tabIndex={-1}
            aria-pressed={pinned}
            aria-label={t(pinned ? 'screens.unpin' : 'screens.pin', { name: title })}
            title={t(pinned ? 'screens.unpinShort' : 'screens.pinShort')}
            onClick={(event) => {
              event.stopPropagation();
              session.pin(site);
            }}
          >
            <Icon name="pin" size={14} />
          </button>
        )}
      </p>
    </div>
  );
});

/** The moving picture of a site where one of the wall's lines, or the stage, carries it. */
export function useStream(site: string): { stream: MediaStream | null; wanted: boolean } {
  const session = useWall();
  const line = useWallState((s) => s.lines.indexOf(site));
  const slot = useLive((s) => s.state?.stage.on_air.indexOf(site) ?? -1);
  const at = line !== -1 ? STAGE_LINES + line : slot;
  const stream = useStore(session.viewer.store, (s) => (at === -1 ? null : (s.video[at] ?? null)));
  return { stream, wanted: at !== -1 };
}

interface PictureProps {
  site: string;
  joined: boolean;
  title: string;
  /** The tile's own: each use of the hook costs as much as the rest of a tile. */
  t: TFunction;
}

export function TilePicture({ site, joined, title, t }: PictureProps) {
  const still = useTilePicture(site);
  const { stream, wanted } = useStream(site);
  const [moving, setMoving] = useState(false);
  const live = wanted && moving && stream !== null;
  const refused = useWallState((s) => s.refused.includes(site));
  const stale = useStale(still.at);
  return (
    <div className={classes.picture} data-stale={stale && !live} data-live={live}>
      {still.url === null ? (
        !live && <span className={classes.blank}>{joined ? t('screens.noPicture') : t('mark.absent')}</span>
      ) : (
        <img src={still.url} alt="" draggable={false} decoding="async" />
      )}
      {wanted && stream !== null && (
        <div className={classes.video} data-live={live}>
          <Picture
            stream={stream}
            testid="wall-live"
            label={t('screens.liveOf', { name: title })}
            fit="cover"
            onLive={setMoving}
          />
        </div>
      )}
      {live ? (
        <span className={classes.live}>
          <i aria-hidden="true" />
          {t('screens.live')}
        </span>
      ) : (
        <>
          {wanted && joined && <span className={classes.calling}>{t('screens.calling')}</span>}
          {refused && <span className={classes.calling}>{t('screens.noLine', { n: LIVE_LINES })}</span>}
          {still.at !== null && <Age at={still.at} stale={stale} t={t} />}
        </>
      )}
    </div>
  );
}

function Age({ at, stale, t }: { at: number; stale: boolean; t: TFunction }) {
  const skew = useSkew();
  const age = useNowAs((now) => relativeSpan(t, now + skew - at));
  return (
    <time className={classes.age} title={formatExact(at)} data-stale={stale}>
      {stale && <Mark name="degraded" size={12} silent />}
      {stale && `${t('screens.old')} `}
      {age}
    </time>
  );
}

/** How far the server's clock is ahead, ms. */
const useSkew = (): number => useStore(useWall().wire.state, (s) => s.skew);

function useStale(at: number | null): boolean {
  const limit = useStore(useWall().wire.state, (s) => staleAfter(s.pictureS));
  const skew = useSkew();
  return useNowAs((now) => at !== null && now + skew - at > limit);
}
