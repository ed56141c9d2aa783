import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../design/icons';
import { formatNumber } from '../../i18n/format';
import { missing } from '../../models/waves';
import type { WaveDetails } from './api';
import { MessageDialog, type Writing } from './MessageDialog';
import { Planned } from './Planned';
import { SendingCard } from './SendingCard';
import classes from './waves.module.css';

/** What the wave's sites were told and will be, and the ways to tell them. */
export function MessagePanel({
  wave,
  onContact,
}: {
  wave: WaveDetails;
  onContact: (site: string, label: string) => void;
}) {
  const { t } = useTranslation();
  const [writing, setWriting] = useState<Writing | null>(null);
  const absent = missing(wave);
  return (
    <section className={classes.panel} aria-label={t('waves.messages')}>
      <h2>{t('waves.messages')}</h2>
      {!wave.mail && (
        <p className={classes.warn}>
          <Icon name="warning" size={16} />
          <span>{t('waves.noMail')}</span>
        </p>
      )}
      {wave.may && (
        <>
          <div className={classes.actions}>
            <Button
              disabled={!wave.mail}
              onClick={() => setWriting({ kind: 'invitation', channel: 'email' })}
              data-testid="wave-invite"
            >
              {t('waves.invite')}
            </Button>
            <Button
              variant="default"
              onClick={() => setWriting({ kind: 'invitation', channel: 'sms' })}
              data-testid="wave-invite-sms"
            >
              {t('waves.inviteSms')}
            </Button>
          </div>
          {absent === 0 ? (
            <p className={classes.good}>
              <Icon name="check" size={16} />
              {t('waves.remindNone')}
            </p>
          ) : (
            <div className={classes.actions}>
              <Button
                disabled={!wave.mail}
                variant="default"
                onClick={() => setWriting({ kind: 'reminder', channel: 'email' })}
                data-testid="wave-remind"
              >
                {t('waves.remind', { n: formatNumber(absent) })}
              </Button>
              <Button variant="default" onClick={() => setWriting({ kind: 'reminder', channel: 'sms' })}>
                {t('waves.remindSms')}
              </Button>
            </div>
          )}
        </>
      )}
      <Planned wave={wave} onPlan={setWriting} />
      <h3>{t('waves.sent')}</h3>
      {wave.sendings.length === 0 && <p className={classes.quiet}>{t('waves.noSendings')}</p>}
      {wave.sendings.map((sending) => (
        <SendingCard key={sending.id} sending={sending} may={wave.may} onContact={onContact} />
      ))}
      {writing !== null && <MessageDialog wave={wave} writing={writing} onClose={() => setWriting(null)} />}
    </section>
  );
}
