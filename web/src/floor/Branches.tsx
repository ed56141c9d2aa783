import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk, useRosterVersion } from '../desk/useDesk';
import { useGate } from '../desk/useGate';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { formatNumber } from '../i18n/format';
import type { Branch, QueueEntry } from '../models/floor';
import { titleOf } from '../models/roster';
import siteRow from '../parts/siteRow.module.css';
import classes from './floor.module.css';
import { Hands } from './Hands';

/** The queues below the centre, a row each; any of them opens. */
export function Branches({ rows, entryOf }: { rows: Branch[]; entryOf: (branch: Branch) => QueueEntry[] }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<string | null>(null);
  if (rows.length === 0) return <p className={classes.empty}>{t('floor.branchesEmpty')}</p>;
  return (
    <ul className={siteRow.list} data-testid="branches">
      {rows.map((row) => (
        <Row
          key={row.code}
          row={row}
          opened={opened === row.code}
          onToggle={() => setOpened(opened === row.code ? null : row.code)}
          entryOf={entryOf}
        />
      ))}
    </ul>
  );
}

function Row({
  row,
  opened,
  onToggle,
  entryOf,
}: {
  row: Branch;
  opened: boolean;
  onToggle: () => void;
  entryOf: (branch: Branch) => QueueEntry[];
}) {
  const { t } = useTranslation();
  const session = useDesk();
  const gate = useGate();
  useRosterVersion();
  const unit = session.roster.units.get(row.code);
  const place = unit === undefined ? row.code : titleOf(unit);
  return (
    <li className={classes.branch} data-testid="branch" data-unit={row.code}>
      <button type="button" className={classes.branchRow} aria-expanded={opened} onClick={onToggle}>
        <Icon name={opened ? 'down' : 'right'} size={14} />
        <b>{place}</b>
        {!row.attended && row.waiting.length > 0 && (
          <span className={classes.alone} title={t('floor.unattendedHint', { place })}>
            <Icon name="warning" size={12} />
            <span className="dc-hidden">{t('floor.unattended')}</span>
          </span>
        )}
        <span className={classes.counts}>
          {row.forwarded.length > 0 && (
            <span data-kind="sent">
              {t('floor.rows.forwarded', { n: formatNumber(row.forwarded.length) })}
            </span>
          )}
          <span>
            <Mark name="hand" silent /> {formatNumber(row.waiting.length)}
            <span className="dc-hidden">{t('floor.rows.waiting', { n: row.waiting.length })}</span>
          </span>
        </span>
      </button>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label={t('floor.muteBranch', { place })}
        {...gate('mute', t('floor.muteBranch', { place }))}
        onClick={() => void session.command('mute', { unit: row.code })}
        data-testid="mute-branch"
      >
        <MicMark mic="muted" silent />
      </Button>
      {opened && (
        <div className={classes.inside}>
          <Hands entries={entryOf(row)} own={false} />
        </div>
      )}
    </li>
  );
}
