import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk, useMeetingState } from '../desk/useDesk';
import { useRefusals } from '../desk/useRefusals';
import { Dialog } from '../parts/Dialog';
import { useMe } from '../parts/useMe';
import { MARKS } from '../protocol/types';
import classes from './secrecy.module.css';

/** Raises the meeting's mark, for who is cleared for a higher one; it cannot be undone, so it is asked. */
export function RaiseMark() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const me = useMe().data;
  const why = useRefusals()('meeting.mark');
  const [opened, setOpened] = useState(false);
  const now = MARKS.indexOf(state?.secrecy ?? 'none');
  const higher = MARKS.slice(now + 1, MARKS.indexOf(me?.clearance ?? 'none') + 1);
  if (state === null || state.status === 'ended' || !me?.may.includes('meeting.mark') || higher.length === 0)
    return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        disabled={why !== undefined}
        title={why}
        onClick={() => setOpened(true)}
        data-testid="raise-mark"
      >
        {t('many.secrecy.raise')}
      </Button>
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('many.secrecy.raise')}>
        <p>{t('many.secrecy.raiseText')}</p>
        <div className={classes.sure}>
          <Button variant="default" onClick={() => setOpened(false)} data-autofocus>
            {t('app.cancel')}
          </Button>
          {higher.map((mark) => (
            <Button
              key={mark}
              className={classes.raise}
              data-testid={`raise-${mark}`}
              onClick={() => {
                setOpened(false);
                void session.command('meeting.mark', { secrecy: mark });
              }}
            >
              {t('many.secrecy.raiseTo', { mark: t(`many.secrecy.${mark}`) })}
            </Button>
          ))}
        </div>
      </Dialog>
    </>
  );
}
