import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { relativeSpan } from '../i18n/format';
import { Picture } from '../parts/Picture';
import { Fault } from './Fault';
import classes from './selftest.module.css';
import type { SelfTestSession } from './session';

/** The machine's own step: the person sees his picture go and come back. */
export function NetworkStep({ session }: { session: SelfTestSession }) {
  const { t } = useTranslation();
  const { phase, back, figures } = useStore(session.store, (s) => s.network);
  const camera = useStore(session.store, (s) => s.camera.stream);
  const failed = figures !== null && figures.state !== 'ok';
  const share = phase?.name === 'measuring' ? phase.share : 0;
  return (
    <div className={classes.card}>
      <h2>
        {t('selftest.stepOf', { n: 3 })}: {t('selftest.step.network')}
      </h2>
      {!failed && (
        <>
          <p className={classes.doing} role="status" data-testid="self-test-phase">
            {figures !== null
              ? t('selftest.network.sending')
              : phase === null
                ? t('selftest.network.starting')
                : phase.name === 'waiting'
                  ? t('selftest.network.waiting', {
                      place: phase.place,
                      span: relativeSpan(t, phase.seconds * 1000),
                    })
                  : t(`selftest.network.${phase.name}`)}
          </p>
          {phase?.name === 'waiting' ? (
            <p>{t('selftest.network.waitingKeep')}</p>
          ) : (
            <>
              <progress
                className={classes.progress}
                value={figures !== null ? 1 : share}
                aria-label={t('selftest.network.measuring')}
              />
              <div className={classes.pair}>
                <figure>
                  <div className={classes.small}>
                    <Picture stream={camera} testid="self-test-sent" label={t('selftest.network.sent')} />
                  </div>
                  <figcaption>{t('selftest.network.sent')}</figcaption>
                </figure>
                <figure>
                  <div className={classes.small}>
                    <Picture stream={back} testid="self-test-back" label={t('selftest.network.back')} />
                  </div>
                  <figcaption>{t('selftest.network.back')}</figcaption>
                </figure>
              </div>
              <p className={classes.why}>{t('selftest.network.why')}</p>
            </>
          )}
        </>
      )}
      {failed && (
        <Fault
          code={`network_${figures.trouble ?? 'other'}`}
          onAgain={() => void session.network()}
          onNext={() => session.next()}
          onward={figures.trouble === 'blocked'}
        />
      )}
    </div>
  );
}
