import { NativeSelect } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { Agenda } from '../floor/Agenda';
import { Branches } from '../floor/Branches';
import classes from '../floor/floor.module.css';
import { Hands } from '../floor/Hands';
import { MuteSaid } from '../floor/MuteSaid';
import { Speaking } from '../floor/Speaking';
import { SpeakersList } from '../floor/SpeakersList';
import { formatNumber } from '../i18n/format';
import { ReadOnly } from '../many/DeskNotes';
import { branches, entriesOf, floorQueue } from '../models/floor';
import siteRow from '../parts/siteRow.module.css';
import { useDesk, useDeskState, useLiveMeeting } from './useDesk';
import type { FloorTab } from './session';

const MINUTES = [1, 2, 3, 5, 10, 15] as const;

/** Who has the floor, who comes next, who waits here and below; picture and voice are ticked by the machine before the cut. */
export function Queue() {
  const { t } = useTranslation();
  const session = useDesk();
  const live = useLiveMeeting(useShallow((s) => ({ ...s })));
  const tab = useDeskState((s) => s.tab);
  const { state } = live;
  const entries = floorQueue(live);
  const speakers = entries.filter((e) => e.role === 'speaker');
  const hands = entries.filter((e) => e.role === 'hand');
  const centre = state?.reach === 'centre';
  const rows = state === null || !centre ? [] : branches(state, live.operators);
  const waitingBelow = rows.reduce((sum, row) => sum + row.waiting.length, 0);
  const tabs: [FloorTab, number | null][] = [
    ['waiting', hands.length],
    ['list', state?.floor.list.length ?? 0],
    ...(centre ? ([['branches', waitingBelow]] as [FloorTab, number][]) : []),
    ['agenda', null],
  ];
  const shown = tabs.some(([name]) => name === tab) ? tab : 'waiting';
  return (
    <section
      className={classes.queue}
      data-region="queue"
      aria-label={t('desk.queue')}
      data-speakers={Math.min(3, speakers.length)}
    >
      {speakers.length > 0 && (
        <div className={classes.speaking}>
          <h2 className={siteRow.head}>{t('desk.speaking')}</h2>
          <ul className={siteRow.list}>
            {speakers.map((e) => (
              <Speaking key={e.site} entry={e} />
            ))}
          </ul>
        </div>
      )}
      <ReadOnly command="mute.undo">
        <MuteSaid />
      </ReadOnly>
      <h2 className="dc-hidden">{t('desk.queue')}</h2>
      <div className={classes.tabs} role="tablist" aria-label={t('floor.tabs')}>
        {tabs.map(([name, count]) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`floor-tab-${name}`}
            aria-selected={shown === name}
            aria-controls="floor-panel"
            tabIndex={shown === name ? 0 : -1}
            onClick={() => session.showTab(name)}
            onKeyDown={(event) => {
              const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
              const next = tabs[(tabs.findIndex(([n]) => n === name) + step + tabs.length) % tabs.length];
              if (step === 0 || !next) return;
              event.preventDefault();
              session.showTab(next[0]);
              document.getElementById(`floor-tab-${next[0]}`)?.focus();
            }}
            data-testid={`floor-tab-${name}`}
          >
            {t(`floor.${name}`)}
            {count !== null && <b> {formatNumber(count)}</b>}
          </button>
        ))}
      </div>
      <div
        id="floor-panel"
        role="tabpanel"
        aria-labelledby={`floor-tab-${shown}`}
        className={classes.panel}
        tabIndex={-1}
      >
        {centre && (shown === 'waiting' || shown === 'list') && (
          <ReadOnly command="floor.give">
            <Minutes />
          </ReadOnly>
        )}
        {shown === 'waiting' &&
          (hands.length === 0 ? (
            <p className={classes.empty}>{t(centre ? 'floor.waitingEmpty' : 'floor.ownEmpty')}</p>
          ) : (
            <Hands entries={hands} own={!centre} />
          ))}
        {shown === 'list' && <SpeakersList entries={entries} />}
        {shown === 'branches' && (
          <Branches rows={rows} entryOf={(row) => entriesOf(live, [...row.forwarded, ...row.waiting])} />
        )}
        {shown === 'agenda' && (
          <ReadOnly command="agenda.set">
            <Agenda />
          </ReadOnly>
        )}
      </div>
    </section>
  );
}

/** How long whoever is given the floor next may speak. */
function Minutes() {
  const { t } = useTranslation();
  const session = useDesk();
  const minutes = useDeskState((s) => s.minutes);
  return (
    <label className={classes.minutes}>
      {t('floor.minutesOf')}
      <NativeSelect
        size="xs"
        value={minutes === null ? '' : String(minutes)}
        onChange={(event) =>
          session.chooseMinutes(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))
        }
        data={[
          { value: '', label: t('floor.asUsual') },
          ...MINUTES.map((n) => ({ value: String(n), label: t('floor.minutes', { n }) })),
          { value: '0', label: t('floor.noLimit') },
        ]}
        data-testid="floor-minutes"
      />
    </label>
  );
}
