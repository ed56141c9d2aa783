import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import type { You } from '../protocol/types';
import type { SiteScene } from '../site/useSite';
import classes from './notes.module.css';
import { personSaid, placeSaid } from './words';

type Called = NonNullable<You['call']>;

/** Of a call that rings: into what, and that the page comes back by itself. */
export function Where({ call }: { call: Called }) {
  const { t } = useTranslation();
  if (!call.where) return null;
  return (
    <div className={classes.where} data-testid="call-where">
      <p>{t('many.called.where', { where: call.where, place: placeSaid(t, call.whence) })}</p>
      {call.out === true && <p>{t('many.called.leaves')}</p>}
    </div>
  );
}

/** Of a site that was called out of its meeting: by whom, into what, and what comes after. */
export function CalledOut({ scene }: { scene: SiteScene }) {
  const { t } = useTranslation();
  const call = scene.you?.call ?? null;
  if (call?.out !== true || call.state === 'ringing') return null;
  return (
    <section className={classes.out} role="status" data-testid="called-out">
      <Icon name="leave" size={28} />
      <div>
        <p className={classes.strong}>
          {t('many.called.out', {
            place: placeSaid(t, call.whence),
            where: call.where ?? '',
            name: personSaid(call.by),
          })}
        </p>
        <p>{t('many.called.back')}</p>
      </div>
    </section>
  );
}
