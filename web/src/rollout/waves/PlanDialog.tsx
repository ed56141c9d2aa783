import { Button, Checkbox, MultiSelect, NumberInput, Pill, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../../http';
import { formatDay, formatNumber } from '../../i18n/format';
import { dayStart, todayOf } from '../../models/waves';
import { Dialog } from '../../parts/Dialog';
import { useErrorText } from '../../parts/useErrorText';
import { codeOf } from '../../protocol/failure';
import { UnitPicker } from '../UnitPicker';
import { waves, type PlanPreview, type PlanWanted } from './api';
import classes from './waves.module.css';

const KINDS = ['post', 'room', 'bridge', 'feed'] as const;
const SHOWN = 60;
const TOMORROW_MS = 86_400_000;

/** Chooses sites and days; the waves that would come of it are counted as one chooses. Nothing is stored before. */
export function PlanDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [name, setName] = useState('Đợt');
  const [units, setUnits] = useState<{ code: string; path: string }[]>([]);
  const [day, setDay] = useState(() => todayOf(Date.now() + TOMORROW_MS));
  const [start, setStart] = useState('07:30');
  const [end, setEnd] = useState('11:30');
  const [perDay, setPerDay] = useState(500);
  const [carriers, setCarriers] = useState<string[]>([]);
  const [kinds, setKinds] = useState<string[]>([]);
  const [weekends, setWeekends] = useState(true);
  const [notReady, setNotReady] = useState(false);
  const [move, setMove] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const known = useQuery({
    queryKey: ['readiness-carriers'],
    queryFn: async ({ signal }) => {
      const found = await http.readiness(null, null, signal);
      return found === 'same' ? [] : found.answer.carriers.map((c) => c.carrier);
    },
    staleTime: 60_000,
  });
  const wanted: PlanWanted = {
    name: name.trim(),
    first_day: day,
    start,
    end,
    units: units.map((u) => u.code),
    // The library takes no empty value: a dash stands for "not known".
    carriers: carriers.map((c) => (c === '-' ? '' : c)),
    kinds: KINDS.filter((k) => kinds.includes(k)),
    not_ready: notReady,
    move,
    per_day: perDay,
    weekends,
  };
  const [asked] = useDebouncedValue(wanted, 250);
  const whole = asked.name !== '' && asked.first_day !== '' && asked.start !== '' && asked.end !== '';
  const preview = useQuery({
    queryKey: ['wave-plan', asked],
    queryFn: ({ signal }) => waves.preview(asked, signal),
    enabled: whole,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const plan = preview.data;
  const fresh = !preview.isPlaceholderData && JSON.stringify(asked) === JSON.stringify(wanted);
  const make = async () => {
    if (!plan) return;
    setBusy(true);
    try {
      await waves.plan({ ...asked, expected: plan.total });
      await queries.invalidateQueries({ queryKey: ['waves'] });
      onClose();
    } catch (error) {
      setFailed(codeOf(error));
      await preview.refetch();
    }
    setBusy(false);
  };
  return (
    <Dialog opened onClose={onClose} title={t('waves.plan')} size={1100}>
      <div className={classes.two} data-testid="plan-dialog">
        <div className={classes.form}>
          <TextInput
            label={t('waves.name')}
            value={name}
            maxLength={120}
            onChange={(event) => setName(event.currentTarget.value)}
            data-testid="plan-name"
          />
          <UnitPicker
            label={t('waves.where')}
            onPick={(unit) => setUnits([...units.filter((u) => u.code !== unit.code), unit])}
            testid="plan-unit"
          />
          {units.length > 0 && (
            <div className={classes.chips}>
              {units.map((u) => (
                <Pill
                  key={u.code}
                  size="md"
                  withRemoveButton
                  removeButtonProps={{
                    'aria-label': t('waves.removeUnit', { name: u.path }),
                    'aria-hidden': false,
                    tabIndex: 0,
                  }}
                  onRemove={() => setUnits(units.filter((one) => one.code !== u.code))}
                >
                  {u.path}
                </Pill>
              ))}
            </div>
          )}
          <div className={classes.three}>
            <TextInput
              type="date"
              label={t('waves.firstDay')}
              value={day}
              onChange={(e) => setDay(e.currentTarget.value)}
              data-testid="plan-day"
            />
            <TextInput
              type="time"
              label={t('waves.start')}
              value={start}
              onChange={(e) => setStart(e.currentTarget.value)}
            />
            <TextInput
              type="time"
              label={t('waves.end')}
              value={end}
              onChange={(e) => setEnd(e.currentTarget.value)}
            />
          </div>
          <NumberInput
            label={t('waves.perDay')}
            description={t('waves.perDayHint')}
            min={0}
            max={20_000}
            value={perDay}
            onChange={(value) => setPerDay(Math.max(0, Math.min(20_000, Number(value) || 0)))}
            hideControls
            data-testid="plan-per-day"
          />
          <MultiSelect
            label={t('waves.carriers')}
            {...(carriers.length === 0 ? { placeholder: t('waves.anyCarrier') } : {})}
            data={(known.data ?? []).map((c) => ({ value: c ?? '-', label: c ?? t('waves.noCarrier') }))}
            value={carriers}
            onChange={setCarriers}
          />
          <MultiSelect
            label={t('waves.kinds')}
            {...(kinds.length === 0 ? { placeholder: t('waves.anyKind') } : {})}
            data={KINDS.map((k) => ({ value: k, label: t(`waves.kind.${k}`) }))}
            value={kinds}
            onChange={setKinds}
          />
          <Checkbox
            label={t('waves.weekends')}
            checked={weekends}
            onChange={(e) => setWeekends(e.currentTarget.checked)}
          />
          <Checkbox
            label={t('waves.notReady')}
            checked={notReady}
            onChange={(e) => setNotReady(e.currentTarget.checked)}
          />
          <Checkbox
            label={t('waves.move')}
            checked={move}
            onChange={(e) => setMove(e.currentTarget.checked)}
          />
        </div>
        <div className={classes.form} aria-live="polite">
          <h2>{t('waves.preview')}</h2>
          {!plan && !preview.isError && <p role="status">{t('waves.previewing')}</p>}
          {preview.isError && <p role="alert">{errorText(codeOf(preview.error))}</p>}
          {failed !== null && <p role="alert">{errorText(failed)}</p>}
          {plan && <Drafts plan={plan} />}
          {plan && plan.total > 0 && (
            <Button onClick={() => void make()} disabled={!fresh} loading={busy} data-testid="plan-make">
              {t('waves.make', { waves: formatNumber(plan.waves.length), sites: formatNumber(plan.total) })}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Drafts({ plan }: { plan: PlanPreview }) {
  const { t } = useTranslation();
  const more = plan.waves.length - SHOWN;
  return (
    <>
      {plan.total === 0 && <p>{t('waves.nothing')}</p>}
      {plan.moved > 0 && <p className={classes.warn}>{t('waves.moved', { n: formatNumber(plan.moved) })}</p>}
      {plan.elsewhere > 0 && (
        <p className={classes.small}>{t('waves.elsewhere', { n: formatNumber(plan.elsewhere) })}</p>
      )}
      {plan.total > 0 && (
        <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('waves.preview')}>
          <table className={classes.table} data-testid="plan-preview">
            <thead>
              <tr>
                <th scope="col">{t('waves.day')}</th>
                <th scope="col">{t('waves.name')}</th>
                <th scope="col">{t('waves.sites')}</th>
              </tr>
            </thead>
            <tbody>
              {plan.waves.slice(0, SHOWN).map((one) => (
                <tr key={one.name}>
                  <td>{formatDay(dayStart(one.day))}</td>
                  <th scope="row">
                    {one.name}
                    <small>{one.path}</small>
                  </th>
                  <td className={classes.number}>{formatNumber(one.sites)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {more > 0 && (
            <p className={classes.small}>
              {t('waves.andMore', {
                n: formatNumber(more),
                day: formatDay(dayStart(plan.waves.at(-1)?.day ?? '')),
              })}
            </p>
          )}
        </div>
      )}
    </>
  );
}
