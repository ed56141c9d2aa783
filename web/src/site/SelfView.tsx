import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Meter } from '../design/Meter';
import { formatClock, formatNumber } from '../i18n/format';
import { Picture } from '../parts/Picture';
import classes from './selfview.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** One's own picture and level, and a plain word about who can see it. */
export function SelfView({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const video = useStore(session.devices.store, (s) => s.video);
  const cameraOn = useStore(session.store, (s) => s.cameraOn);
  const waits = useStore(session.store, (s) => s.cameraWaits);
  const posted = useStore(session.store, (s) => s.lastPosted);
  const stream = useMemo(() => (video ? new MediaStream([video]) : null), [video]);
  const read = useCallback(() => session.meter.level(), [session]);
  const sending = scene.you?.publish?.video === true;
  const pictureS = useStore(session.wire.state, (s) => s.pictureS);
  return (
    <section className={classes.self} aria-label={t('site.selfView')}>
      <div className={classes.picture}>
        <Picture
          stream={stream}
          testid="self-view"
          label={t('site.selfView')}
          mirrored
          hidden={!stream}
          fit="cover"
        />
        {!stream && (
          <p className={classes.none}>
            {waits && cameraOn && <Icon name="cameraOff" size={48} />}
            {t(waits && cameraOn ? 'site.selfClosed' : 'site.noSelf')}
          </p>
        )}
        <span className={classes.tag}>{t('site.selfView')}</span>
      </div>
      <div className={classes.meter}>
        <span>{t('site.level')}</span>
        <Meter read={read} label={t('site.level')} />
      </div>
      {scene.armed && (
        <p
          className={classes.standby}
          data-testid="camera-indicator"
          data-sending={sending}
          data-on={stream !== null}
        >
          <span className={classes.lamp} aria-hidden="true" />
          <span>
            {!cameraOn
              ? t('site.notSending')
              : sending
                ? scene.mic === 'open'
                  ? t('site.sending')
                  : t('site.sendingPicture')
                : stream
                  ? t('site.standby', { seconds: formatNumber(pictureS) })
                  : waits
                    ? t('site.standbyClosed')
                    : t('site.noSelf')}
            {!sending && stream && posted !== null && (
              <small>{t('site.lastPicture', { time: formatClock(posted) })}</small>
            )}
          </span>
        </p>
      )}
    </section>
  );
}
