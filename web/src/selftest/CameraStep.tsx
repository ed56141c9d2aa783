import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Picture } from '../parts/Picture';
import { Fault } from './Fault';
import classes from './selftest.module.css';
import type { SelfTestSession } from './session';

/** The picture, looked at by the machine and by the person at once. */
export function CameraStep({ session }: { session: SelfTestSession }) {
  const { t } = useTranslation();
  const { phase, figures, stream } = useStore(session.store, (s) => s.camera);
  const ok = phase === 'judged' && figures.state === 'ok';
  return (
    <div className={classes.card}>
      <h2>
        {t('selftest.stepOf', { n: 1 })}: {t('selftest.step.camera')}
      </h2>
      <div className={classes.picture}>
        <Picture stream={stream} testid="self-test-camera" label={t('selftest.camera.picture')} mirrored />
      </div>
      {phase !== 'judged' && (
        <p className={classes.doing} role="status">
          {t(`selftest.camera.${phase}`)}
        </p>
      )}
      {ok && (
        <>
          <p className={classes.good} role="status">
            <Icon name="check" size={28} />
            <span>
              {t('selftest.camera.ok')}{' '}
              <small>{t('selftest.camera.size', { width: figures.width, height: figures.height })}</small>
            </span>
          </p>
          <Button size="xl" h={64} onClick={() => session.next()} data-testid="self-test-next" autoFocus>
            {t('selftest.next')}
          </Button>
        </>
      )}
      {phase === 'judged' && figures.state !== 'ok' && (
        <Fault
          code={`camera_${figures.state}`}
          onAgain={() => void session.camera()}
          onNext={() => session.next()}
        />
      )}
    </div>
  );
}
