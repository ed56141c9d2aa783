import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import type { Level } from '../protocol/types';
import { CountedDialog } from './CountedDialog';
import { useDesk, useRosterVersion } from './useDesk';

/** What a figure of attendance was counted from: who is missing first, for that is what is asked. */
export function AttendanceDialog({ level, onClose }: { level: Level | 'all'; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const version = useRosterVersion();
  const { absent, present } = useMemo(
    () => session.roster.counted(level === 'all' ? null : level),
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [session, level, version],
  );
  return (
    <CountedDialog
      title={`${t('desk.attendance')} · ${level === 'all' ? t('desk.wallAll') : t(`level.${level}`)}`}
      label={t('desk.attendance')}
      sides={[
        {
          value: 'absent',
          label: t('desk.countedAbsent', { n: formatNumber(absent.length) }),
          sites: absent,
          empty: t('desk.counted.absent'),
        },
        {
          value: 'present',
          label: t('desk.countedPresent', { n: formatNumber(present.length) }),
          sites: present,
          empty: t('desk.counted.present'),
        },
      ]}
      onClose={onClose}
    />
  );
}
