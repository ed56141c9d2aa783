import { Button } from '@mantine/core';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Meter } from '../design/Meter';
import { Fault } from './Fault';
import classes from './selftest.module.css';
import type { SelfTestSession } from './session';

/** A tone, a sentence, the sentence again, one tap. */
export function SoundStep({ session }: { session: SelfTestSession }) {
  const { t } = useTranslation();
  const sound = useStore(session.store, (s) => s.sound);
  const read = useCallback(() => session.meter.level(), [session]);
  const asked = sound.phase === 'playing' || sound.phase === 'asked';
  const code =
    sound.microphone.state !== 'ok' && sound.microphone.state !== 'skipped'
      ? `microphone_${sound.microphone.state}`
      : 'speaker_not_heard';
  return (
    <div className={classes.card}>
      <h2>
        {t('selftest.stepOf', { n: 2 })}: {t('selftest.step.sound')}
      </h2>
      {sound.phase === 'tone' && (
        <p className={classes.doing} role="status">
          {t('selftest.sound.tone')}
        </p>
      )}
      {sound.phase === 'speak' && (
        <>
          <p className={classes.say} role="status">
            {t('selftest.sound.speak')}
          </p>
          <Meter read={read} label={t('selftest.sound.level')} height={40} />
          <p className={classes.doing}>{t('selftest.sound.speakMore', { s: sound.left })}</p>
        </>
      )}
      {sound.speaker.by_microphone && sound.phase !== 'tone' && sound.phase !== 'fault' && (
        <p className={classes.good}>
          <Icon name="check" size={28} />
          <span>{t('selftest.sound.heardByMicrophone')}</span>
        </p>
      )}
      {asked && (
        <>
          <p className={classes.doing} role="status">
            {sound.phase === 'playing' ? t('selftest.sound.playing') : ''}
          </p>
          <p className={classes.say}>{t('selftest.sound.question')}</p>
          <div className={classes.actions}>
            <Button size="xl" h={72} onClick={() => session.answer(true)} data-testid="self-test-heard">
              {t('selftest.sound.yes')}
            </Button>
            <Button
              size="xl"
              h={72}
              variant="default"
              onClick={() => session.answer(false)}
              data-testid="self-test-not-heard"
            >
              {t('selftest.sound.no')}
            </Button>
          </div>
          <Button variant="subtle" size="md" onClick={() => void session.replay()}>
            {t('selftest.sound.replay')}
          </Button>
        </>
      )}
      {sound.phase === 'fault' && (
        <Fault code={code} onAgain={() => void session.sound()} onNext={() => session.next()} />
      )}
    </div>
  );
}
