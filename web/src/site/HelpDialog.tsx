import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { Icon } from '../design/icons';
import { SeenHistory } from '../inspections/SeenHistory';
import { Dialog } from '../parts/Dialog';
import classes from './help.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

interface HelpProps {
  session: SiteSession;
  scene: SiteScene;
  opened: boolean;
  onClose: () => void;
  onCheck: () => void;
}

/** What the three states mean, the device check, and the way out of a meeting. */
export function HelpDialog({ session, scene, opened, onClose, onCheck }: HelpProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [history, setHistory] = useState(false);
  const leave = () => {
    onClose();
    void session.leave();
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('site.help')} size="lg">
      <h2 className={classes.intro}>{t('site.helpIntro')}</h2>
      <dl className={classes.states}>
        {(
          [
            ['ready', 'helpReady'],
            ['invited', 'helpInvited'],
            ['on_air', 'helpOnAir'],
          ] as const
        ).map(([face, text]) => (
          <div key={face}>
            <dt data-face={face}>{t(`site.face.${face}`)}</dt>
            <dd>{t(`site.${text}`)}</dd>
          </div>
        ))}
      </dl>
      <p>{t('site.helpSafe')}</p>
      <p>{t('site.helpPhone')}</p>
      <p>
        <Link to="/chuan-bi">{t('site.prepare')}</Link>
      </p>
      <div className={classes.actions}>
        <Button size="md" leftSection={<Icon name="settings" />} onClick={onCheck} data-testid="device-check">
          {t('site.check')}
        </Button>
        <Button
          size="md"
          variant="default"
          leftSection={<Icon name="wifi" />}
          onClick={() => {
            if (scene.state === null || confirm(t('site.selfTestSure'))) void navigate('/kiem-tra');
          }}
          data-testid="self-test-link"
        >
          {t('site.selfTest')}
        </Button>
        <Button
          size="md"
          variant="default"
          leftSection={<Icon name="camera" />}
          onClick={() => setHistory(true)}
          data-testid="seen-history"
        >
          {t('inspections.site.history')}
        </Button>
        {scene.state !== null && (
          <Button
            size="md"
            variant="default"
            leftSection={<Icon name="leave" />}
            onClick={() => confirm(t('site.leaveSure')) && leave()}
          >
            {t('site.leave')}
          </Button>
        )}
      </div>
      <SeenHistory site={scene.me} opened={history} onClose={() => setHistory(false)} />
    </Dialog>
  );
}
