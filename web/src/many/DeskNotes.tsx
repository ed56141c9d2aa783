import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useLiveMeeting, useMeetingState, useNames } from '../desk/useDesk';
import { useRefusals } from '../desk/useRefusals';
import { Icon } from '../design/icons';
import { standingAbove, type StandingAbove } from '../models/above';
import type { CommandName } from '../protocol/types';
import classes from './notes.module.css';
import { personSaid, placeSaid } from './words';

function useAbove(): StandingAbove {
  const session = useDesk();
  const me = useStore(session.wire.state, (s) => s.who?.id ?? null);
  const state = useMeetingState();
  const observers = useLiveMeeting((s) => s.observers);
  return standingAbove(me, state, observers);
}

/** While somebody above directs, while one only watches, or for who may not give such commands, nothing here can be pressed. */
export function ReadOnly({ command, children }: { command: CommandName; children: ReactNode }) {
  const why = useRefusals()(command);
  const refused = why !== undefined;
  return (
    <fieldset className={classes.readonly} disabled={refused} data-readonly={refused} title={why}>
      {children}
    </fieldset>
  );
}

/** Who watches or directs from above, who shut the chair's microphone, and who was called out. */
export function DeskNotes() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const nameOf = useNames();
  const observers = useLiveMeeting((s) => s.observers);
  const above = useAbove();
  const others = observers.filter((one) => one.id !== above.me);
  const away = Object.entries(state?.away ?? {});
  const direction = state?.direction ?? null;
  return (
    <div className={classes.desk} data-testid="desk-notes">
      {above.role === 'taken' && direction !== null && (
        <p className={`${classes.line ?? ''} ${classes.taken ?? ''}`} role="alert" data-testid="taken-over">
          <Icon name="warning" size={18} />
          {t('many.direction.taken', {
            place: placeSaid(t, direction.whence),
            name: personSaid(direction.by),
          })}
        </p>
      )}
      {above.role === 'directs' && (
        <p className={`${classes.line ?? ''} ${classes.mine ?? ''}`} role="status" data-testid="you-direct">
          <Icon name="check" size={18} />
          {t('many.direction.youDirect')}
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => void session.command('direction.return', {})}
            data-testid="give-back"
          >
            {t('many.direction.giveBack')}
          </Button>
        </p>
      )}
      {above.role === 'watches' && direction === null && state?.status === 'open' && (
        <p className={classes.line} role="status" data-testid="you-watch">
          <Icon name="screen" size={18} />
          {t('many.direction.youWatch')}
          <Button
            size="compact-sm"
            onClick={() => void session.command('direction.take', {})}
            data-testid="take-over"
          >
            {t('many.take')}
          </Button>
        </p>
      )}
      {state?.reach === 'site' && above.role === 'own' && (
        <p className={classes.line} role="status" data-testid="only-reads">
          <Icon name="screen" size={18} />
          {t('many.direction.onlyReads')}
        </p>
      )}
      {others.length > 0 && (
        <p className={classes.line} role="status" data-testid="observed">
          <Icon name="screen" size={18} />
          {t('many.direction.observing', {
            place: placeSaid(t, others[0]?.whence),
            names: others.map(personSaid).join(', '),
          })}
        </p>
      )}
      {state?.chair_muted_by && (
        <p className={classes.line} role="status">
          <Icon name="warning" size={18} />
          {t('many.direction.chairMutedDesk', { name: personSaid(state.chair_muted_by) })}
        </p>
      )}
      {away.map(([site, one]) => (
        <p key={site} className={classes.line} role="status" data-testid="away" data-site={site}>
          <Icon name="leave" size={18} />
          {t('many.away.said', { label: nameOf(site).title, place: placeSaid(t, one.whence) })}
        </p>
      ))}
    </div>
  );
}

/** In the selected card: the site was called out and comes back. */
export function AwayMark({ site }: { site: string }) {
  const { t } = useTranslation();
  const away = useLiveMeeting((s) => s.state?.away?.[site] !== undefined);
  if (!away) return null;
  return (
    <p className={classes.awayMark}>
      <Icon name="leave" size={14} />
      {t('many.away.mark')}
    </p>
  );
}
