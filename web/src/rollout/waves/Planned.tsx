import { ActionIcon, Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../design/icons';
import { formatDay, formatMinute } from '../../i18n/format';
import { dayStart } from '../../models/waves';
import { useErrorText } from '../../parts/useErrorText';
import { useNow } from '../../parts/useNow';
import { codeOf } from '../../protocol/failure';
import { waves, type WaveDetails } from './api';
import type { Writing } from './MessageDialog';
import classes from './waves.module.css';

const DAY_MS = 86_400_000;
const USUAL = [
  { name: 'dayBefore', daysBefore: 1, clock: '16:00' },
  { name: 'sameDay', daysBefore: 0, clock: '07:00' },
] as const;

/** When it would go, ms. */
const atOf = (day: string, daysBefore: number, clock: string) =>
  Date.parse(`${day}T${clock}:00+07:00`) - daysBefore * DAY_MS;

const shown = (ms: number) => `${formatMinute(ms)} ${formatDay(ms)}`;

/** Reminders that go by themselves; the two that are usual are one touch. */
export function Planned({ wave, onPlan }: { wave: WaveDetails; onPlan: (writing: Writing) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const now = useNow();
  const [failed, setFailed] = useState<string | null>(null);
  const drop = async (reminder: string) => {
    try {
      await waves.dropReminder(wave.id, reminder);
      setFailed(null);
    } catch (error) {
      setFailed(codeOf(error));
    }
    await queries.invalidateQueries({ queryKey: ['wave', wave.id] });
  };
  const over = now > dayStart(wave.day) + DAY_MS;
  return (
    <>
      <h3>{t('waves.reminders')}</h3>
      {wave.reminders.length === 0 && <p className={classes.quiet}>{t('waves.noReminders')}</p>}
      <ul className={classes.plain}>
        {wave.reminders.map((one) => (
          <li key={one.id} className={classes.line} data-testid="reminder" data-state={one.state}>
            <span>
              <strong>{shown(Date.parse(one.at))}</strong> · {t(`waves.reminderState.${one.state}`)}
              {one.state === 'sent' && one.sending === null && ` (${t('waves.reminderNobody')})`}
              {one.state === 'missed' && <span className={classes.small}> {t('waves.reminderMissed')}</span>}
            </span>
            {wave.may && one.state === 'planned' && (
              <ActionIcon
                variant="default"
                aria-label={t('waves.dropReminder', { at: shown(Date.parse(one.at)) })}
                onClick={() => void drop(one.id)}
              >
                <Icon name="close" size={14} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      {wave.may && wave.mail && !over && (
        <div className={classes.actions}>
          {USUAL.map(({ name, daysBefore, clock }) => {
            const at = atOf(wave.day, daysBefore, clock);
            const taken = wave.reminders.some((r) => r.days_before === daysBefore && r.clock === clock);
            if (taken) return null;
            return (
              <Button
                key={name}
                size="compact-sm"
                variant="default"
                disabled={at <= now}
                {...(at <= now ? { title: t('waves.reminderOver') } : {})}
                onClick={() =>
                  onPlan({
                    kind: 'reminder',
                    channel: 'email',
                    planned: { daysBefore, clock, at: shown(at) },
                  })
                }
                data-testid={`plan-${name}`}
              >
                {t(`waves.${name}`)}
              </Button>
            );
          })}
        </div>
      )}
      <p className={classes.small}>{t('waves.toWhom')}</p>
    </>
  );
}
