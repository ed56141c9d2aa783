import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import classes from './attendance.module.css';
import { useDesk, useRosterVersion } from './useDesk';

/** Who is in, by level: present of invited. */
export function Attendance() {
  const { t } = useTranslation();
  const { roster } = useDesk();
  useRosterVersion();
  return (
    <section className={classes.attendance} aria-label={t('desk.attendance')}>
      <h2>
        {t('desk.attendance')}
        <strong data-testid="joined-count">
          {formatNumber(roster.joined)}/{formatNumber(roster.sites.size)}
        </strong>
      </h2>
      <dl>
        {roster.byLevel().map((c) => (
          <div key={c.level}>
            <dt>{t(`level.${c.level}`)}</dt>
            <dd data-full={c.joined === c.invited}>
              {formatNumber(c.joined)}/{formatNumber(c.invited)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
