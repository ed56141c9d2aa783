import { Button, Select, Switch } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Meter } from '../design/Meter';
import { formatNumber, formatRate, formatShare } from '../i18n/format';
import type { Choice } from '../media/devices';
import { testTone } from '../media/sound';
import { Dialog } from '../parts/Dialog';
import classes from './check.module.css';
import type { SiteSession } from './session';

/** A voice louder than this (0..1) has been heard. */
const VOICE = 0.45;

/** Camera, microphone and loudspeaker: which one, and does it work. */
export function DeviceCheck({
  session,
  opened,
  onClose,
}: {
  session: SiteSession;
  opened: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('site.check')} size="lg">
      {opened && <Body session={session} />}
    </Dialog>
  );
}

function Body({ session }: { session: SiteSession }) {
  const { t } = useTranslation();
  const d = useStore(session.devices.store);
  const quality = useStore(session.store, (s) => s.quality);
  const waits = useStore(session.store, (s) => s.cameraWaits);
  const degraded = useStore(session.store, (s) => s.degraded);
  const [heard, setHeard] = useState(false);
  const read = useCallback(() => {
    const level = session.meter.level();
    if (level > VOICE) setHeard(true);
    return level;
  }, [session]);
  // Choosing needs names, and a browser gives them only once the devices are open.
  useEffect(() => void session.arm(), [session]);
  return (
    <div className={classes.check}>
      <Pick
        label={t('site.camera')}
        choices={d.cameras}
        value={d.cameraId ?? d.video?.getSettings().deviceId ?? null}
        onChange={(id) => void session.devices.choose('camera', id)}
      />
      <Switch
        size="md"
        label={t('site.waitsLabel')}
        description={t('site.waitsText')}
        checked={waits}
        onChange={(event) => session.setCameraWaits(event.currentTarget.checked)}
        data-testid="camera-waits"
      />
      <Pick
        label={t('site.mic')}
        choices={d.mics}
        value={d.micId ?? d.audio?.getSettings().deviceId ?? null}
        onChange={(id) => {
          setHeard(false);
          void session.devices.choose('mic', id);
        }}
      />
      <div>
        <p>{t('site.speakTest')}</p>
        <Meter read={read} label={t('site.level')} height={24} />
        <p className={classes.verdict} data-ok={heard} role="status">
          {heard && <Icon name="check" />}
          {heard ? t('site.heard') : t('site.heardNothing')}
        </p>
      </div>
      <Pick
        label={t('site.speaker')}
        choices={d.speakers}
        value={d.speakerId}
        onChange={(id) => void session.devices.choose('speaker', id)}
      />
      <Button
        size="md"
        variant="default"
        leftSection={<Icon name="sound" />}
        onClick={() => void testTone(d.speakerId)}
      >
        {t('site.testSound')}
      </Button>
      {quality && (
        <div>
          <p>
            {t('site.quality')}: <strong>{degraded ? t('site.qualityBad') : t('site.qualityGood')}</strong>
          </p>
          <p className={classes.figures}>
            {t('site.loss')} {formatShare(quality.loss)} · {t('site.fps')}{' '}
            {formatNumber(Math.round(quality.fps))} · {t('site.bitrate')} {formatRate(quality.bitrate)}
          </p>
        </div>
      )}
    </div>
  );
}

function Pick({
  label,
  choices,
  value,
  onChange,
}: {
  label: string;
  choices: readonly Choice[];
  value: string | null;
  onChange: (id: string) => void;
}) {
  const { t } = useTranslation();
  const known = choices.some((c) => c.id === value);
  return (
    <Select
      label={label}
      size="md"
      data={choices.map((c, i) => ({ value: c.id, label: c.label || `${label} ${i + 1}` }))}
      value={known ? value : null}
      placeholder={t('site.browserDefault')}
      disabled={choices.length === 0}
      onChange={(id) => id !== null && onChange(id)}
    />
  );
}
