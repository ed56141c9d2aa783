import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useMeetingState, useRosterVersion } from '../desk/useDesk';
import { MicMark } from '../design/marks';
import { formatNumber } from '../i18n/format';
import { titleOf } from '../models/roster';
import { useNow } from '../parts/useNow';
import classes from './floor.module.css';

/** How long it stays in sight, ms: as long as somebody may notice that it was the wrong place. */
const SHOWN_MS = 60_000;

/** What the last mute of a subtree or of all has done, and the way back. */
export function MuteSaid() {
  const { t } = useTranslation();
  const session = useDesk();
  useRosterVersion();
  const last = useMeetingState()?.floor.last_mute ?? null;
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  if (last === null || now - Date.parse(last.at) > SHOWN_MS) return null;
  const unit = last.unit === null ? undefined : session.roster.units.get(last.unit);
  const place = unit === undefined ? (last.unit ?? '') : titleOf(unit);
  return (
    <p
      className={classes.said}
      role="status"
      data-testid="mute-said"
      title={t('floor.mutedBy', { name: last.by })}
    >
      <MicMark mic="muted" silent />
      <span>
        {t(last.unit === null ? 'floor.muted.all' : 'floor.muted.unit', {
          n: formatNumber(last.count),
          place,
        })}
        {last.sites.length === 0 && ` · ${t('floor.undone')}`}
      </span>
      {last.sites.length > 0 && (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => void session.command('mute.undo', { n: last.n })}
          data-testid="mute-undo"
        >
          {t('floor.undo')}
        </Button>
      )}
    </p>
  );
}
