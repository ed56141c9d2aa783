import { Button, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatClock } from '../i18n/format';
import { Dialog } from '../parts/Dialog';
import type { RollEdit, RollEntry } from '../protocol/types';
import classes from './rollcall.module.css';
import { SaysMark, useReasonText } from './marks';
import type { Against } from './session';
import { useFacets, useRollSession } from './useRollCall';

/** Somebody else said something different meanwhile: both are shown, the clerk chooses, nobody wins unseen. */
export function ConflictDialog() {
  const against = useFacets((s) => s.against);
  if (against.length === 0) return null;
  return <Conflict key={against.length} against={against} />;
}

function Conflict({ against }: { against: readonly Against[] }) {
  const { t } = useTranslation();
  const session = useRollSession();
  const [mine, setMine] = useState<ReadonlySet<string>>(new Set());
  const settle = () => void session.settle(mine);
  const choose = (site: string, value: string) => {
    const next = new Set(mine);
    if (value === 'mine') next.add(site);
    else next.delete(site);
    setMine(next);
  };
  return (
    // Closing it keeps what stands: that is the choice that loses nothing.
    <Dialog
      opened
      onClose={() => void session.settle(new Set())}
      title={t('rollcall.conflictTitle')}
      size="lg"
    >
      <p>{t('rollcall.conflictText')}</p>
      <ul className={classes.conflicts} data-testid="roll-conflicts">
        {against.map(({ mine: own, theirs }) => (
          <li key={own.site}>
            <strong>{session.roll.rows.get(own.site)?.label ?? own.site}</strong>
            <div className={classes.pair}>
              <div>
                <small>
                  {t('rollcall.theirs', {
                    by: theirs.by,
                    at: theirs.at === null ? '' : formatClock(Date.parse(theirs.at)),
                  })}
                </small>
                <Said entry={theirs} />
              </div>
              <div>
                <small>{t('rollcall.mine')}</small>
                <Said entry={own} />
              </div>
            </div>
            <SegmentedControl
              aria-label={t('rollcall.conflictTitle')}
              value={mine.has(own.site) ? 'mine' : 'theirs'}
              onChange={(value) => choose(own.site, value)}
              data={[
                { value: 'theirs', label: t('rollcall.keepTheirs') },
                { value: 'mine', label: t('rollcall.takeMine') },
              ]}
            />
          </li>
        ))}
      </ul>
      <div className={classes.acts}>
        <Button onClick={settle} data-testid="roll-settle" data-autofocus>
          {t('rollcall.save')}
        </Button>
      </div>
    </Dialog>
  );
}

function Said({ entry }: { entry: RollEntry | RollEdit }) {
  const reason = useReasonText();
  const more = [reason(entry.reason, entry.text), entry.head?.name, entry.note].filter(Boolean).join(' · ');
  return (
    <p>
      <SaysMark says={entry.says} />
      {more !== '' && <span> {more}</span>}
    </p>
  );
}
