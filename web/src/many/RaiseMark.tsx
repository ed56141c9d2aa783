import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk, useMeetingState } from '../desk/useDesk';
import { useRefusals } from '../desk/useRefusals';
import { Icon } from '../design/icons';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import { MARKS, type Secrecy } from '../protocol/types';
import classes from './secrecy.module.css';

/** Raises the meeting's mark, for who is cleared for a higher one; it cannot be undone, so it is asked, and what was
 * refused is said where it was asked. */
export function RaiseMark() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const me = useMe().data;
  const why = useRefusals()('meeting.mark');
  const errorText = useErrorText();
  const [opened, setOpened] = useState(false);
  const [raising, setRaising] = useState<Secrecy | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const now = MARKS.indexOf(state?.secrecy ?? 'none');
  const higher = MARKS.slice(now + 1, MARKS.indexOf(me?.clearance ?? 'none') + 1);
  const offered = me?.may.includes('meeting.mark') && (higher.length > 0 || opened);
  if (state === null || state.status === 'ended' || !offered) return null;
  const close = () => setOpened(false);
  const raise = async (mark: Secrecy) => {
    if (raising !== null) return;
    setRaising(mark);
    setFailed(null);
    try {
      await session.wire.command('meeting.mark', session.meeting, { secrecy: mark });
      close();
    } catch (error) {
      setFailed(codeOf(error));
    } finally {
      setRaising(null);
    }
  };
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        disabled={why !== undefined}
        title={why}
        onClick={() => {
          setFailed(null);
          setOpened(true);
        }}
        data-testid="raise-mark"
      >
        {t('many.secrecy.raise')}
      </Button>
      <Dialog opened={opened} onClose={close} title={t('many.secrecy.raise')}>
        <p>{t('many.secrecy.raiseText')}</p>
        {failed !== null && (
          // What is above one's own clearance is not offered: a mark that is refused is above the chair's site.
          <p className={classes.failed} role="alert" data-testid="raise-failed">
            <Icon name="warning" size={16} />{' '}
            {failed === 'secrecy' ? t('many.secrecy.chairNot') : errorText(failed)}
          </p>
        )}
        <div className={classes.sure}>
          {higher.map((mark) => (
            <Button
              key={mark}
              className={classes.raise}
              // Not shut while it is asked for: it would lose the focus.
              aria-busy={raising === mark}
              data-testid={`raise-${mark}`}
              onClick={() => void raise(mark)}
            >
              {t('many.secrecy.raiseTo', { mark: t(`many.secrecy.${mark}`) })}
            </Button>
          ))}
          <Button variant="default" onClick={close} data-autofocus>
            {t('app.cancel')}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
