import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { http } from '../http';
import { Prefs } from '../parts/Prefs';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { CameraStep } from './CameraStep';
import { NetworkStep } from './NetworkStep';
import { Outcome } from './Outcome';
import classes from './selftest.module.css';
import { SelfTestSession, type Step } from './session';
import { SoundStep } from './SoundStep';
import { Steps } from './Steps';

/** Three steps that explain themselves: camera, microphone and loudspeaker, network. */
export default function SelfTestPage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const me = useQuery({
    queryKey: ['me', 'site'],
    queryFn: () => {
      http.page = 'site';
      return http.me();
    },
    retry: false,
    staleTime: 60_000,
  });
  // Without TLS a browser has no `mediaDevices`, whatever its types say.
  const [session] = useState(() => new SelfTestSession(http, navigator.mediaDevices));
  useEffect(() => () => session.close(), [session]);
  const step = useStore(session.store, (s) => s.step);
  if (me.isError && codeOf(me.error) === 'not_authenticated') return <Navigate to="/" replace />;
  if (me.data?.kind === 'person') return <Navigate to="/trung-tam" replace />;
  return (
    <div className={classes.page}>
      <header className={classes.top}>
        <div>
          <h1>{t('selftest.title')}</h1>
          <p>{me.data?.name ?? ''}</p>
        </div>
        <Prefs large />
      </header>
      <Steps session={session} />
      <main className={classes.main} data-testid="self-test" data-step={step}>
        {me.isError ? (
          <div className={classes.card} role="alert">
            <p className={classes.fault}>
              <Icon name="warning" size={28} />
              <span>{errorText(codeOf(me.error))}</span>
            </p>
            <Button size="lg" onClick={() => void me.refetch()}>
              {t('app.retry')}
            </Button>
          </div>
        ) : (
          <Body step={step} session={session} ready={me.data !== undefined} />
        )}
      </main>
    </div>
  );
}

function Body({ step, session, ready }: { step: Step; session: SelfTestSession; ready: boolean }) {
  switch (step) {
    case 'door':
      return <DoorStep session={session} ready={ready} />;
    case 'camera':
      return <CameraStep session={session} />;
    case 'sound':
      return <SoundStep session={session} />;
    case 'network':
      return <NetworkStep session={session} />;
    case 'done':
      return <Outcome session={session} />;
  }
}

function DoorStep({ session, ready }: { session: SelfTestSession; ready: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={classes.card}>
      <p className={classes.lead}>{t('selftest.intro')}</p>
      <ol className={classes.intro}>
        <li>
          <Icon name="camera" size={28} />
          <span>{t('selftest.introCamera')}</span>
        </li>
        <li>
          <Icon name="sound" size={28} />
          <span>{t('selftest.introSound')}</span>
        </li>
        <li>
          <Icon name="wifi" size={28} />
          <span>{t('selftest.introNetwork')}</span>
        </li>
      </ol>
      <p>{t('selftest.introAllow')}</p>
      <Button
        size="xl"
        h={72}
        fz={20}
        disabled={!ready}
        onClick={() => void session.start()}
        data-testid="self-test-start"
        autoFocus
      >
        {t('selftest.start')}
      </Button>
      <Link className={classes.leave} to="/diem-cau" data-testid="self-test-later">
        {t('selftest.back')}
      </Link>
    </div>
  );
}
