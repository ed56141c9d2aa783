import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Ringing, Seen } from '../inspections/Called';
import { CalledOut } from '../many/CalledOut';
import { Choice, SiteNotes } from '../many/SiteNotes';
import { SecrecyBand } from '../many/Secrecy';
import { AudioLines } from '../parts/AudioLines';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { LinedUp, TalkBanner } from '../talkback/TalkBanner';
import { AskCard } from './AskCard';
import { AwakeCard } from './AwakeCard';
import { Band } from './Band';
import { Controls } from './Controls';
import { DeviceCheck } from './DeviceCheck';
import { FaultCard } from './FaultCard';
import { HelpDialog } from './HelpDialog';
import { Messages } from './Messages';
import { SelfView } from './SelfView';
import { RehearsalCard } from './RehearsalCard';
import type { SiteSession } from './session';
import classes from './site.module.css';
import { Stage } from './Stage';
import { UnmuteAsk } from './UnmuteAsk';
import { useScene, useSession, type SiteScene } from './useSite';

const NOTICE_MS = 5_000;

export default function SitePage() {
  const session = useSession();
  const scene = useScene(session);
  const [dialog, setDialog] = useState<'help' | 'check' | null>(null);
  return (
    <div className={classes.page} data-face={scene.face} data-testid="site-state" data-state={scene.face}>
      <div className={classes.inner}>
        <div>
          <SecrecyBand mark={scene.state?.secrecy} />
          <Band session={session} scene={scene} />
        </div>
        {scene.fault === 'replaced' ||
        scene.fault === 'device_conflict' ||
        scene.fault === 'not_authenticated' ? (
          <main className={classes.elsewhere}>
            <FaultCard session={session} scene={scene} />
          </main>
        ) : (
          <main className={classes.main}>
            <div className={classes.picture}>
              <FaultCard session={session} scene={scene} />
              <TalkBanner session={session} scene={scene} />
              <AwakeCard session={session} />
              <RehearsalCard session={session} scene={scene} />
              <LinedUp scene={scene} />
              <CalledOut scene={scene} />
              <Seen scene={scene} />
              <SiteNotes session={session} scene={scene} />
              <AskCard session={session} scene={scene} />
              <div className={classes.stage}>
                {scene.state !== null ? (
                  <Stage session={session} scene={scene} />
                ) : (
                  <NoMeeting session={session} scene={scene} />
                )}
                {!scene.armed && scene.face !== 'away' && <Arm session={session} />}
              </div>
            </div>
            <div className={classes.controls}>
              <Controls session={session} scene={scene} onHelp={() => setDialog('help')} />
            </div>
            <aside className={classes.side}>
              <SelfView session={session} scene={scene} />
              <Messages session={session} scene={scene} />
            </aside>
          </main>
        )}
        <Notice session={session} />
        <UnmuteAsk session={session} scene={scene} />
        <Ringing session={session} scene={scene} />
      </div>
      <AudioLines viewer={session.viewer} sound={session.sound} />
      <HelpDialog
        session={session}
        scene={scene}
        opened={dialog === 'help'}
        onClose={() => setDialog(null)}
        onCheck={() => setDialog('check')}
      />
      <DeviceCheck session={session} opened={dialog === 'check'} onClose={() => setDialog(null)} />
    </div>
  );
}

/** One tap, as large as the room for it: browsers play nothing before it. */
function Arm({ session }: { session: SiteSession }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const arm = async () => {
    setBusy(true);
    await session.arm();
    setBusy(false);
  };
  // After a reload the camera may be open already and only the sound wants a touch: the picture stays in sight.
  const soundOnly = useStore(session.devices.store, (d) => d.audio !== null || d.video !== null);
  return (
    <div className={soundOnly ? classes.hear : classes.arm}>
      {!soundOnly && <p className={classes.armTitle}>{t('site.arm.title')}</p>}
      <Button
        size="xl"
        h={soundOnly ? 64 : 88}
        fz={18}
        loading={busy}
        leftSection={<Icon name="sound" size={32} />}
        onClick={() => void arm()}
        data-testid="arm-sound"
        autoFocus
      >
        {soundOnly ? t('site.arm.soundOnly') : t('site.arm.button')}
      </Button>
      {!soundOnly && <p>{t('site.arm.text')}</p>}
    </div>
  );
}

function NoMeeting({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const meetings = scene.you?.meetings ?? [];
  const open = meetings.filter((m) => m.status === 'open');
  const scheduled = meetings.filter((m) => m.status === 'scheduled');
  return (
    <div className={classes.none}>
      {open.length > 0 ? (
        <>
          <Choice open={open} join={(id) => void session.join(id)} />
        </>
      ) : scene.face === 'entering' ? (
        <>
          <p className={classes.noneTitle}>{t('site.crowd')}</p>
          <p>{t('site.crowdText')}</p>
        </>
      ) : (
        <>
          <p className={classes.noneTitle}>{t('site.noMeeting')}</p>
          <p>{t('site.noMeetingText')}</p>
        </>
      )}
      {scheduled.map((m) => (
        <p key={m.id} className={classes.scheduled}>
          {t('site.scheduled')}: <strong>{m.title}</strong>
        </p>
      ))}
    </div>
  );
}

/** Says what was refused, for some seconds. */
function Notice({ session }: { session: SiteSession }) {
  const notice = useStore(session.store, (s) => s.notice);
  const errorText = useErrorText();
  const now = useNow();
  const shown = notice !== null && now - notice.at < NOTICE_MS;
  return (
    <p className={classes.notice} role="status" data-shown={shown}>
      {shown ? errorText(notice.code) : ''}
    </p>
  );
}
