import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { highestFirst, isHigher, otherMeetings } from '../models/site';
import type { Meeting } from '../protocol/types';
import type { SiteSession } from '../site/session';
import type { SiteScene } from '../site/useSite';
import classes from './notes.module.css';
import { SecrecyMark } from './Secrecy';
import { personSaid, placeSaid } from './words';

/** Several meetings are open and the site is in none: the clerk chooses, the higher one stands first and says so. */
export function Choice({ open, join }: { open: readonly Meeting[]; join: (id: string) => void }) {
  const { t } = useTranslation();
  const ordered = highestFirst(open);
  const [first, second] = ordered;
  const clear = first !== undefined && second !== undefined && isHigher(first, second);
  return (
    <section className={classes.choice} data-testid="meeting-choice" aria-label={t('many.choice.title')}>
      {ordered.length > 1 && (
        <div>
          <h2>{t('many.choice.title')}</h2>
          <p>{t('many.choice.one')}</p>
        </div>
      )}
      <ul>
        {ordered.map((m) => (
          <li key={m.id}>
            <Button
              size="lg"
              fz={18}
              variant={ordered.length > 1 && m !== first ? 'default' : 'filled'}
              onClick={() => join(m.id)}
              data-testid="join-meeting"
              data-level={m.level}
            >
              {t('site.join')}: {m.title} ({placeSaid(t, m.place)})
            </Button>
            <span>
              <SecrecyMark mark={m.secrecy} />{' '}
              {clear && m === first && <span className={classes.higher}>{t('many.choice.higher')}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What this site should know beside the picture: another invitation, who directs from above, who shut its microphone. */
export function SiteNotes({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const [stay, setStay] = useState<ReadonlySet<string>>(new Set());
  const { state, you, me } = scene;
  const inside = you?.meetings.find((m) => m.id === you.in);
  const other = otherMeetings(you).find((m) => !stay.has(m.id));
  const direction = state?.direction ?? null;
  const muted = me !== null && state?.chair_site === me ? (state.chair_muted_by ?? null) : null;
  return (
    <>
      {direction !== null && (
        <p className={classes.note} role="status" data-testid="directed-from-above">
          <Icon name="screen" size={24} />
          {t('many.direction.atPost', {
            place: placeSaid(t, direction.whence),
            name: personSaid(direction.by),
          })}
        </p>
      )}
      {muted !== null && (
        <p className={classes.note} role="alert" data-testid="chair-muted">
          <Icon name="warning" size={24} />
          {t('many.direction.chairMuted', { name: personSaid(muted) })}
        </p>
      )}
      {other !== undefined && (
        <section className={classes.note} role="status" data-testid="other-meeting">
          <Icon name="enter" size={24} />
          <span>
            {t('many.choice.also', { title: other.title, place: placeSaid(t, other.place) })}{' '}
            {inside !== undefined && isHigher(other, inside) && (
              <span className={classes.higher}>{t('many.choice.higher')}</span>
            )}
          </span>
          <span className={classes.moves}>
            <Button size="md" onClick={() => void session.join(other.id)} data-testid="move-meeting">
              {t('many.choice.move')}
            </Button>
            <Button size="md" variant="default" onClick={() => setStay(new Set([...stay, other.id]))}>
              {t('many.choice.stay')}
            </Button>
          </span>
        </section>
      )}
    </>
  );
}
