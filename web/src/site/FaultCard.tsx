import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { Icon } from '../design/icons';
import type { Fault } from '../models/site';
import classes from './fault.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** What is wrong, in words a clerk uses, and the one thing to press. */
export function FaultCard({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { fault, you } = scene;
  if (fault === null || fault === 'not_armed') return null;
  const codec = you?.meetings.find((m) => m.id === you.in)?.codec ?? 'h264';
  return (
    <div
      className={classes.card}
      role="alert"
      data-testid={fault === 'cannot_show' ? 'cannot-show' : 'fault'}
      data-fault={fault}
    >
      <Icon name={fault === 'no_network' || fault === 'reconnecting' ? 'network' : 'warning'} size={32} />
      <div className={classes.words}>
        <p className={classes.title}>{t(`site.fault.${fault}.title`)}</p>
        <p>{t(`site.fault.${fault}.text`, { codec: t(`codec.${codec}`) })}</p>
      </div>
      <Button
        size="lg"
        fz={18}
        onClick={() => act(fault, session, () => void navigate('/vao'))}
        data-testid="fault-action"
      >
        {t(`site.fault.${fault}.action`)}
      </Button>
    </div>
  );
}

function act(fault: Fault, session: SiteSession, toDoor: () => void): void {
  switch (fault) {
    case 'replaced':
    case 'device_conflict':
      session.retryNow();
      void session.arm();
      break;
    case 'not_authenticated':
      toDoor();
      break;
    case 'camera_insecure':
    case 'mic_insecure':
      location.protocol = 'https:';
      break;
    case 'cannot_show':
      location.reload();
      break;
    case 'no_network':
    case 'reconnecting':
    case 'picture_lost':
    case 'sending_lost':
      session.retryNow();
      break;
    default:
      void session.retryDevices();
  }
}
