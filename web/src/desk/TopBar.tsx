import { ActionIcon, Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { MicMark } from '../design/marks';
import { formatNumber } from '../i18n/format';
import { Prefs } from '../parts/Prefs';
import { Dialog } from '../parts/Dialog';
import { RaiseMark } from '../many/RaiseMark';
import { SecrecyMark } from '../many/Secrecy';
import { ScreensMenu } from '../screens/ScreensMenu';
import classes from './topbar.module.css';
import { useDesk, useMeetingState } from './useDesk';
import { useRefusals } from './useRefusals';

/** Which meeting this is, and the few acts that concern all of it. */
export function TopBar({ onKeys }: { onKeys: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const armed = useStore(session.sound.store, (s) => s.armed);
  const why = useRefusals();
  const [ending, setEnding] = useState(false);
  return (
    <header className={classes.bar}>
      <Link to="/trung-tam" className={classes.back} aria-label={t('desk.back')}>
        <Icon name="back" />
      </Link>
      <h1 className={classes.title}>{state?.title ?? t('desk.title')}</h1>
      <SecrecyMark mark={state?.secrecy} />
      {state && (
        <span className={classes.status} data-status={state.status}>
          {t(`desk.status.${state.status}`)} · {t(`codec.${state.codec}`)}
        </span>
      )}
      <span className={classes.space} />
      <Button
        size="compact-sm"
        {...(armed ? { variant: 'subtle', color: 'gray' } : {})}
        leftSection={<Icon name="sound" size={16} />}
        onClick={() => (armed ? session.sound.disarm() : void session.sound.arm())}
        aria-pressed={armed}
        data-testid="arm-sound"
      >
        {armed ? t('desk.sound') : t('desk.soundOff')}
      </Button>
      {state?.status === 'scheduled' && (
        <Button
          size="compact-sm"
          disabled={why('meeting.open') !== undefined}
          title={why('meeting.open')}
          onClick={() => void session.command('meeting.open', {})}
          data-testid="open-meeting"
        >
          {t('desk.openMeeting')}
        </Button>
      )}
      {state?.status === 'open' && (
        <>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<MicMark mic="muted" silent />}
            // At once: a room that shouts cannot wait for a question, and muting can be undone.
            onClick={() => void session.muteAll()}
            disabled={why('mute', true) !== undefined}
            title={why('mute', true) ?? 'Shift M'}
            data-testid="mute-all"
          >
            {t('desk.muteAll')}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            disabled={why('meeting.end') !== undefined}
            title={why('meeting.end')}
            onClick={() => setEnding(true)}
            data-testid="end-meeting"
          >
            {t('desk.endMeeting')}
          </Button>
        </>
      )}
      <RaiseMark />
      <ScreensMenu />
      <ActionIcon
        variant="default"
        size={30}
        onClick={onKeys}
        aria-label={t('desk.keys')}
        title={t('desk.keys')}
      >
        <span aria-hidden="true">?</span>
      </ActionIcon>
      <Prefs />
      <Sure
        opened={ending}
        onClose={() => setEnding(false)}
        title={t('desk.endSure')}
        text={t('desk.endText', { n: formatNumber(state?.invited ?? 0) })}
        action={t('desk.endMeeting')}
        testid="end-meeting-sure"
        run={() => session.command('meeting.end', {})}
      />
    </header>
  );
}

interface SureProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  text: string;
  action: string;
  testid: string;
  run: () => Promise<boolean>;
}

/** One question before what cannot be undone; the safe answer has the focus. */
function Sure({ opened, onClose, title, text, action, testid, run }: SureProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={title}>
      <p>{text}</p>
      <div className={classes.sure}>
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('app.cancel')}
        </Button>
        <Button
          className={classes.grave}
          data-testid={testid}
          onClick={() => {
            onClose();
            void run();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
