import { useEffect, useState } from 'react';
import { Navigate, useParams } from 'react-router';
import { useTranslation } from 'react-i18next';
import { http, tab } from '../http';
import { Calls } from '../inspections/Calls';
import { Lineup } from '../inspections/Lineup';
import { DeskNotes, ReadOnly } from '../many/DeskNotes';
import { AudioLines } from '../parts/AudioLines';
import { NextUp } from '../talkback/NextUp';
import { TalkStrip } from '../talkback/TalkStrip';
import { SlidesStrip } from '../slides/SlidesStrip';
import { Attendance } from './Attendance';
import classes from './centre.module.css';
import { Controls } from './Controls';
import { DirectionDialogs } from './DirectionDialogs';
import { KeysDialog } from './KeysDialog';
import { Messages } from './Messages';
import { Monitors } from './Monitors';
import { Notice } from './Notice';
import { Queue } from './Queue';
import { RosterPanel } from './RosterPanel';
import { SelectedCard } from './SelectedCard';
import { DeskSession } from './session';
import { StatusBar } from './StatusBar';
import { TopBar } from './TopBar';
import { DeskContext, useDesk, useDeskState } from './useDesk';
import { useHotkeys } from './useHotkeys';
import { Wall } from './Wall';

/** The command centre of one meeting. */
export default function Centre() {
  const { meeting } = useParams();
  if (meeting === undefined) return <Navigate to="/trung-tam" replace />;
  return <Desk key={meeting} meeting={meeting} />;
}

function Desk({ meeting }: { meeting: string }) {
  const [session] = useState(() => new DeskSession(http, meeting, tab));
  useEffect(() => {
    session.start();
    return () => session.close();
  }, [session]);
  return (
    <DeskContext value={session}>
      <Panels />
    </DeskContext>
  );
}

function Panels() {
  const { t } = useTranslation();
  const session = useDesk();
  const loggedOut = useDeskState((s) => s.loggedOut);
  const [keys, setKeys] = useState(false);
  useHotkeys(session, () => setKeys(true));
  useSoundAtFirstTouch(session);
  if (loggedOut) return <Navigate to="/dang-nhap" replace />;
  return (
    <div className={classes.desk}>
      <TopBar onKeys={() => setKeys(true)} />
      <nav className={classes.left} data-region="roster" aria-label={t('desk.tree')}>
        <RosterPanel />
        <SelectedCard />
      </nav>
      <main className={classes.centre}>
        <DeskNotes />
        <Monitors />
        <div>
          <ReadOnly command="stage.cut">
            <Controls />
          </ReadOnly>
          <ReadOnly command="presentation.start">
            <SlidesStrip />
          </ReadOnly>
          <TalkStrip />
        </div>
        <Wall />
      </main>
      <aside className={classes.right} aria-label={t('desk.queue')}>
        <div className={classes.queue}>
          <NextUp />
          <Calls />
          <Lineup />
          <Queue />
        </div>
        <Attendance />
        <Messages />
      </aside>
      <StatusBar />
      <Notice />
      <AudioLines viewer={session.viewer} sound={session.sound} />
      <DirectionDialogs />
      <KeysDialog opened={keys} onClose={() => setKeys(false)} />
    </div>
  );
}

/** A browser plays nothing before the first touch: the operator's first one is enough. */
function useSoundAtFirstTouch(session: DeskSession): void {
  useEffect(() => {
    const arm = (event: Event) => {
      stop();
      // The sound button does it itself.
      if (event.target instanceof Element && event.target.closest('[data-testid=arm-sound]')) return;
      void session.sound.arm();
    };
    const stop = () => {
      removeEventListener('pointerdown', arm);
      removeEventListener('keydown', arm);
    };
    addEventListener('pointerdown', arm);
    addEventListener('keydown', arm);
    return stop;
  }, [session]);
}
