import { Button, MultiSelect, NumberInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import {
  useDesk,
  useDeskState,
  useLiveMeeting,
  useMeetingState,
  useNames,
  useRosterVersion,
} from '../desk/useDesk';
import { isOver } from '../models/calls';
import { titleOf } from '../models/roster';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { LEVELS, type Level } from '../protocol/types';
import siteRow from '../parts/siteRow.module.css';
import { inspections, type Draw } from './api';
import classes from './calls.module.css';
import { lineupOf, type Planned } from './lineup';

/** Who is called next: chosen, drawn at random, in an order. The next one is made ready while this one is seen. */
export function Lineup() {
  const { t } = useTranslation();
  const session = useDesk();
  const kind = useMeetingState()?.kind;
  const lineup = lineupOf(session.meeting);
  const planned = useStore(lineup.store, (s) => s.planned);
  const selected = useDeskState((s) => s.selected);
  const calls = useLiveMeeting((s) => s.calls);
  const names = useNames();
  const [drawing, setDrawing] = useState(false);
  if (kind !== 'centre') return null;
  const next = async () => {
    const [first, second] = lineup.take();
    if (first === undefined) return;
    if (await session.dial(first.site, undefined, first.draw)) {
      const running = calls.some((c) => c.site === second?.site && !isOver(c));
      if (second && !running)
        void session.command('call.warm', {
          site: second.site,
          ...(second.draw === undefined ? {} : { draw: second.draw }),
        });
    }
  };
  return (
    <section className={classes.lineup} aria-label={t('inspections.lineup')} data-testid="lineup">
      <h2 className={siteRow.head}>{t('inspections.lineup')}</h2>
      {planned.length === 0 && <p className={classes.none}>{t('inspections.lineupEmpty')}</p>}
      <ol className={classes.planned}>
        {planned.map((one) => (
          <li key={one.site} data-site={one.site} data-testid="planned">
            <span>{names(one.site).title}</span>
            <button
              type="button"
              aria-label={t('inspections.lineupRemove', { name: names(one.site).title })}
              onClick={() => lineup.remove(one.site)}
            >
              <Icon name="close" size={14} />
            </button>
          </li>
        ))}
      </ol>
      <div className={classes.planning}>
        <Button
          size="compact-xs"
          disabled={planned.length === 0}
          onClick={() => void next()}
          data-testid="lineup-next"
        >
          {t('inspections.lineupNext')}
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          disabled={selected?.kind !== 'site'}
          onClick={() => selected?.kind === 'site' && lineup.add([{ site: selected.id }])}
          data-testid="lineup-add"
        >
          {t('inspections.lineupAdd')}
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => setDrawing(true)} data-testid="draw-open">
          {t('inspections.drawOpen')}
        </Button>
      </div>
      <Dialog opened={drawing} onClose={() => setDrawing(false)} title={t('inspections.drawTitle')}>
        {drawing && <DrawForm onDrawn={(sites) => lineup.add(sites)} />}
      </Dialog>
    </section>
  );
}

function DrawForm({ onDrawn }: { onDrawn: (sites: Planned[]) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const session = useDesk();
  const scope = useMeetingState()?.scope ?? [];
  useRosterVersion();
  const [units, setUnits] = useState<string[]>([]);
  const [levels, setLevels] = useState<string[]>(['commune']);
  const [count, setCount] = useState(5);
  const [drawn, setDrawn] = useState<Draw | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const provinces = [...session.roster.units.values()].filter((u) => u.level === 'province');
  const go = async () => {
    setFailed(null);
    try {
      const wanted = units.length > 0 ? units : scope.map((entry) => entry.unit);
      const made = await inspections.draw({ units: wanted, levels: levels as Level[], count });
      setDrawn(made);
      onDrawn(made.drawn.map((site) => ({ site, draw: made.id })));
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <div className={classes.form}>
      <MultiSelect
        label={t('inspections.drawWhere')}
        placeholder={units.length === 0 ? t('inspections.drawAll') : ''}
        searchable
        data={provinces.map((u) => ({ value: u.code, label: titleOf(u) }))}
        value={units}
        onChange={setUnits}
        maxValues={64}
      />
      <MultiSelect
        label={t('inspections.drawLevels')}
        data={LEVELS.map((value) => ({ value, label: t(`inspections.level.${value}`) }))}
        value={levels}
        onChange={setLevels}
      />
      <NumberInput
        label={t('inspections.drawCount')}
        min={1}
        max={50}
        value={count}
        onChange={(value) => setCount(Number(value) || 1)}
      />
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      {drawn && (
        <div role="status" data-testid="drawn">
          <ol>
            {drawn.sites.map((site) => (
              <li key={site.id}>
                {site.label} <small>{site.path}</small>
              </li>
            ))}
          </ol>
          <p className={classes.fair}>
            {t('inspections.drawFair', {
              seed: drawn.seed,
              pool: drawn.pool,
              hash: drawn.pool_hash.slice(0, 12),
            })}
          </p>
        </div>
      )}
      <Button disabled={levels.length === 0} onClick={() => void go()} data-testid="draw-go">
        {t('inspections.drawGo')}
      </Button>
    </div>
  );
}
