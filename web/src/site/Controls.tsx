import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import classes from './controls.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** Three to five large buttons; none of them can disturb the meeting. */
export function Controls({
  session,
  scene,
  onHelp,
}: {
  session: SiteSession;
  scene: SiteScene;
  onHelp: () => void;
}) {
  const { t } = useTranslation();
  const cameraOn = useStore(session.store, (s) => s.cameraOn);
  const closed = useStore(session.devices.store, (s) => s.camera === 'off');
  const waits = useStore(session.store, (s) => s.cameraWaits) && cameraOn && closed;
  const { state, mic, hasFloor, handUp, me, face } = scene;
  const speaking = me !== null && (state?.floor.speakers.some((s) => s.site === me) ?? false);
  const sent = (state?.floor.hands.find((h) => h.site === me)?.forwarded ?? null) !== null;
  const listed = (state?.floor.list.findIndex((one) => one.site === me) ?? -1) + 1;
  const waiting = state?.floor.hands_total ?? 0;
  const mayOpen = face === 'invited' || (hasFloor && mic === 'off');
  return (
    <div className={classes.controls}>
      {mayOpen && (
        <Button
          className={classes.main}
          leftSection={<MicMark mic="open" size={28} silent plain />}
          onClick={() => void session.speak()}
          data-testid="unmute"
        >
          {t('site.unmute')}
        </Button>
      )}
      {!speaking && (
        <Button
          className={classes.main}
          variant={handUp || hasFloor ? 'default' : 'filled'}
          leftSection={<Mark name="hand" size={28} silent plain />}
          disabled={state === null}
          onClick={() => void session.command(handUp ? 'hand.lower' : 'hand.raise', {})}
          data-testid="raise-hand"
          data-up={handUp}
          aria-pressed={handUp}
        >
          <span className={classes.two}>
            {handUp ? t('site.lower') : t('site.raise')}
            {handUp && <small>{t(sent ? 'floor.up' : 'site.waiting')}</small>}
            {listed > 0 && <small data-testid="own-place">{t('floor.place', { n: listed })}</small>}
            {!handUp && waiting > 0 && <small>{t('site.hands', { count: waiting })}</small>}
          </span>
        </Button>
      )}
      {speaking && (
        <Button
          variant="default"
          className={classes.main}
          leftSection={<Icon name="check" size={28} />}
          onClick={() => void session.command('floor.end', { site: me })}
          data-testid="end-own-floor"
        >
          {t('site.endFloor')}
        </Button>
      )}
      {!mayOpen && (
        <Button
          variant="default"
          leftSection={<MicMark mic={mic} size={28} silent />}
          // Not `disabled`: somebody who presses it must be able to read why nothing happens.
          aria-disabled={!hasFloor || mic === 'muted'}
          title={hasFloor ? undefined : t('site.micWhy')}
          onClick={() => {
            if (hasFloor && mic !== 'muted') void session.command('mic.set', { on: mic !== 'open' });
          }}
          data-testid="mic"
          data-mic={mic}
        >
          <span className={classes.two}>
            {mic === 'open' ? t('site.micOpen') : mic === 'muted' ? t('site.micMuted') : t('site.micOff')}
            {hasFloor && mic === 'open' && <small>{t('site.mute')}</small>}
          </span>
        </Button>
      )}
      <Button
        variant="default"
        leftSection={<Icon name={cameraOn && !waits ? 'camera' : 'cameraOff'} size={28} />}
        onClick={() => void session.setCamera(!cameraOn)}
        data-testid="camera"
      >
        <span className={classes.two}>
          {waits ? t('site.cameraWaits') : cameraOn ? t('site.cameraOn') : t('site.cameraOff')}
          <small>{cameraOn ? t('site.turnCameraOff') : t('site.turnCameraOn')}</small>
        </span>
      </Button>
      <Button
        variant="default"
        leftSection={<Icon name="help" size={28} />}
        onClick={onHelp}
        data-testid="help"
      >
        {t('site.help')}
      </Button>
    </div>
  );
}
