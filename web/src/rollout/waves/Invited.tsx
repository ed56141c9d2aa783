import { useTranslation } from 'react-i18next';
import { Icon } from '../../design/icons';
import { formatNumber } from '../../i18n/format';
import { invitation } from '../../models/waves';
import type { Wave } from './api';
import classes from './waves.module.css';

/** What became of the invitation to the wave's present day, in one or two lines. */
export function Invited({ wave }: { wave: Wave }) {
  const { t } = useTranslation();
  const { sent, queued, failed, uncertain } = invitation(wave.invited);
  if (sent + queued + failed + uncertain === 0)
    return <span className={classes.quiet}>{t('waves.notInvited')}</span>;
  return (
    <span>
      {t('waves.invited', { n: formatNumber(sent) })}
      {queued > 0 && (
        <span className={classes.quiet}> · {t('waves.queued', { n: formatNumber(queued) })}</span>
      )}
      {failed + uncertain > 0 && (
        <span className={classes.bad}>
          <Icon name="warning" size={14} />
          {failed > 0 && t('waves.failed', { n: formatNumber(failed) })}
          {failed > 0 && uncertain > 0 && ', '}
          {uncertain > 0 && t('waves.uncertain', { n: formatNumber(uncertain) })}
        </span>
      )}
    </span>
  );
}
