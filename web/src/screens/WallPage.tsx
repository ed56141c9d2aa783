import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { whereOf } from '../desk/keys';
import keysClasses from '../desk/keysdialog.module.css';
import { LiveDock } from './LiveDock';
import { Opened } from './Open';
import { useFacet, useRoster, useWall, useWallState } from './useScreen';
import classes from './wall.module.css';
import { WallBar, WallFoot } from './WallBar';
import { WallGrid } from './WallGrid';
import { WallSession } from './wallSession';

export default function WallPage() {
  return (
    <Opened make={(http, meeting, tab, label) => new WallSession(http, meeting, tab, label)}>
      <Wall />
    </Opened>
  );
}

function Wall() {
  const { t } = useTranslation();
  const session = useWall();
  const [keys, setKeys] = useState(false);
  const view = useWallState((s) => s.layout.view);
  const empty = useWallState((s) => s.order.sites.length === 0);
  const notice = useFacet((s) => s.notice);
  const errorText = useErrorText();
  useRoster();
  const loading = session.roster.sites.size === 0;
  useWallKeys(() => setKeys(true));
  return (
    <div className={classes.page}>
      <WallBar onKeys={() => setKeys(true)} />
      <main className={classes.main} data-view={view}>
        {view !== 'live' &&
          (loading ? (
            <p role="status" className={classes.empty}>
              {t('app.loading')}
            </p>
          ) : empty ? (
            <p className={classes.empty} role="status">
              {t('screens.nothing')}
            </p>
          ) : (
            <WallGrid />
          ))}
        {view !== 'wall' && <LiveDock />}
      </main>
      <WallFoot />
      {notice !== null && (
        <p className={classes.notice} role="alert" key={notice.at}>
          {notice.code === 'pins_full' ? t('screens.pinsFull') : errorText(notice.code)}
        </p>
      )}
      <Dialog opened={keys} onClose={() => setKeys(false)} title={t('screens.keys')}>
        <dl className={keysClasses.keys}>
          {(['arrows', 'groups', 'enter', 'call', 'find', 'patrol', 'full'] as const).map((key) => (
            <div key={key}>
              <dt>{t(`screens.key.${key}.keys`)}</dt>
              <dd>{t(`screens.key.${key}.does`)}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </div>
  );
}

function useWallKeys(help: () => void): void {
  const session = useWall();
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const where = whereOf(event.target);
      if (where === 'dialog' || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented)
        return;
      if (event.key === 'Escape' && where === 'text') (event.target as HTMLElement).blur();
      if (where === 'text') return;
      const patrol = session.wall.getState().patrol;
      if (event.key === '/') document.querySelector<HTMLElement>('[data-testid=wall-find]')?.focus();
      else if (event.key === '?') help();
      else if (event.code === 'KeyF') session.touched(true);
      else if (event.key === ' ' && where === 'page' && patrol !== null)
        session.obey(patrol.paused ? 'resume' : 'pause');
      else if (event.key === '.' && patrol !== null) session.obey('next');
      else if (event.key === ',' && patrol !== null) session.obey('previous');
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  });
}
