import { ActionIcon, Button, Menu, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { formatNumber, formatRate } from '../i18n/format';
import { titleOf, type Roster } from '../models/roster';
import { LIVE_LINES } from '../models/wall/lines';
import { Dialog } from '../parts/Dialog';
import { Prefs } from '../parts/Prefs';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { deleteLayout, listLayouts, saveLayout } from './api';
import { useMeeting, useRoster, useWall, useWallState } from './useScreen';
import classes from './wallbar.module.css';

const STATES = ['all', 'present', 'absent', 'fresh', 'stale'] as const;

/** What the wall shows, how, and what it may take of the line. */
export function WallBar({ onKeys }: { onKeys: () => void }) {
  const { t } = useTranslation();
  const session = useWall();
  const layout = useWallState((s) => s.layout);
  const title = useMeeting()?.title;
  const count = useWallState((s) => s.order.sites.length);
  const [text, setText] = useState(layout.text);
  const find = (event: SyntheticEvent) => {
    event.preventDefault();
    session.change({ text });
  };
  return (
    <header className={classes.bar}>
      <h1 className={classes.title} title={title}>
        {t('screens.wall')} <span>{formatNumber(count)}</span>
      </h1>
      <UnitSelect
        label={t('screens.unit')}
        value={layout.unit}
        all={t('screens.allUnits')}
        onChange={(unit) => session.change({ unit })}
      />
      <Select
        className={classes.state}
        size="xs"
        aria-label={t('screens.state')}
        data={STATES.map((value) => ({ value, label: t(`screens.states.${value}`) }))}
        value={layout.state}
        onChange={(value) => value !== null && session.change({ state: value })}
      />
      <form onSubmit={find} role="search">
        <TextInput
          className={classes.find}
          size="xs"
          aria-label={t('screens.find')}
          placeholder={t('screens.findHint')}
          leftSection={<Icon name="search" size={14} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onBlur={() => text !== layout.text && session.change({ text })}
          data-testid="wall-find"
        />
      </form>
      <SegmentedControl
        size="xs"
        aria-label={t('screens.size')}
        data={(['s', 'm', 'l'] as const).map((value) => ({ value, label: t(`screens.sizes.${value}`) }))}
        value={layout.size}
        onChange={(value) => session.change({ size: value })}
      />
      <SegmentedControl
        size="xs"
        aria-label={t('screens.view')}
        data={(['wall', 'both', 'live'] as const).map((value) => ({
          value,
          label: t(`screens.views.${value}`),
        }))}
        value={layout.view}
        onChange={(value) => session.change({ view: value })}
      />
      <span className={classes.space} />
      <Drift />
      <Layouts />
      <ActionIcon
        variant="default"
        size={26}
        onClick={onKeys}
        aria-label={t('screens.keys')}
        title={t('screens.keys')}
      >
        <span aria-hidden="true">?</span>
      </ActionIcon>
      <FullScreen />
      <Prefs />
    </header>
  );
}

/** What has changed since the wall was laid out: tiles move only when the operator says so. */
function Drift() {
  const { t } = useTranslation();
  const session = useWall();
  const { added, gone } = useWallState((s) => s.drift);
  const changed = added + gone > 0;
  const figures = { added: formatNumber(added), gone: formatNumber(gone) };
  return (
    <Button
      className={classes.drift}
      size="compact-xs"
      variant={changed ? 'filled' : 'default'}
      disabled={!changed}
      title={changed ? t('screens.driftHint', figures) : undefined}
      onClick={() => session.arrange()}
      data-testid="wall-arrange"
    >
      {changed ? t('screens.drift', figures) : t('screens.noDrift')}
    </Button>
  );
}

function FullScreen() {
  const { t } = useTranslation();
  const session = useWall();
  return (
    <ActionIcon
      variant="default"
      size={26}
      aria-label={t('screens.fullScreen')}
      onClick={() =>
        document.fullscreenElement === null ? session.touched(true) : void document.exitFullscreen()
      }
    >
      <Icon name="full" size={16} />
    </ActionIcon>
  );
}

export function UnitSelect({
  label,
  value,
  all,
  onChange,
}: {
  label: string;
  value: string | null;
  all: string | null;
  onChange: (unit: string | null) => void;
}) {
  const { roster } = useWall();
  useRoster();
  const data = [...(all === null ? [] : [{ value: '', label: all }]), ...unitsOf(roster)];
  return (
    <Select
      className={classes.unit}
      size="xs"
      aria-label={label}
      title={data.find((one) => one.value === (value ?? ''))?.label}
      comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
      searchable
      limit={100}
      data={data}
      renderOption={({ option }) => `${option.label}${countOf(roster, option.value)}`}
      value={value ?? ''}
      onChange={(unit) => onChange(unit === '' ? null : unit)}
    />
  );
}

/** Units that have something below them, with their provinces: names repeat. */
function unitsOf(roster: Roster): { value: string; label: string }[] {
  const found: { value: string; label: string }[] = [];
  for (const unit of roster.units.values()) {
    if (unit.level === 'commune' || unit.size === 0) continue;
    const above = unit.parent !== null && unit.parent.level !== 'nation' ? `, ${titleOf(unit.parent)}` : '';
    found.push({ value: unit.code, label: `${titleOf(unit)}${above}` });
  }
  return found;
}

/** How many sites an option holds; the bar itself counts what is shown. */
function countOf(roster: Roster, code: string): string {
  const size = roster.units.get(code)?.size;
  return size === undefined ? '' : ` (${formatNumber(size)})`;
}

const LAYOUTS = ['wall', 'layouts'];

/** The layouts that this person keeps, by name. */
function Layouts() {
  const { t } = useTranslation();
  const session = useWall();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const named = useWallState((s) => s.named);
  const { data, error } = useQuery({ queryKey: LAYOUTS, queryFn: listLayouts });
  const [saving, setSaving] = useState(false);
  const [name, setName] = useState('');
  const [failed, setFailed] = useState<string | null>(null);
  const changed = () => queries.invalidateQueries({ queryKey: LAYOUTS });
  const save = async (event: SyntheticEvent) => {
    event.preventDefault();
    try {
      await saveLayout(name.trim(), session.wall.getState().layout);
      session.kept(name.trim());
      setSaving(false);
      await changed();
    } catch (caught) {
      setFailed(codeOf(caught));
    }
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            className={classes.layouts ?? ''}
            size="compact-xs"
            variant="default"
            title={named ?? undefined}
            data-testid="wall-layouts"
          >
            {t('screens.layout')}: {named ?? t('screens.unsaved')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {error !== null && <Menu.Label>{errorText(codeOf(error))}</Menu.Label>}
          {data?.length === 0 && <Menu.Label>{t('screens.noLayouts')}</Menu.Label>}
          {data?.map((one) => (
            <Menu.Item key={one.name} onClick={() => session.use(one.layout, one.name)}>
              {one.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item
            onClick={() => {
              setName(named ?? '');
              setFailed(null);
              setSaving(true);
            }}
            data-testid="wall-save"
          >
            {t('screens.save')}
          </Menu.Item>
          {named !== null && (
            <Menu.Item
              onClick={() => {
                session.kept(null);
                void deleteLayout(named).then(changed, changed);
              }}
            >
              {t('screens.forget', { name: named })}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={saving} onClose={() => setSaving(false)} title={t('screens.save')}>
        <form onSubmit={(event) => void save(event)} className={classes.form}>
          <TextInput
            label={t('screens.layoutName')}
            description={t('screens.layoutHint')}
            maxLength={60}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-testid="wall-layout-name"
          />
          {failed !== null && <p role="alert">{errorText(failed)}</p>}
          <Button type="submit" disabled={name.trim() === ''}>
            {t('screens.keep')}
          </Button>
        </form>
      </Dialog>
    </>
  );
}

/** One calm line: patrol, live tiles, and what the pictures take of the line. */
export function WallFoot() {
  const { t } = useTranslation();
  const session = useWall();
  const layout = useWallState((s) => s.layout);
  const live = useWallState((s) => s.lines.filter((site) => site !== null).length);
  const feed = useStore(session.feed.store);
  const link = useStore(session.wire.state, (s) => s.link);
  const errorText = useErrorText();
  return (
    <footer className={classes.foot}>
      <PatrolBar />
      <span>{t('screens.liveTiles', { live, of: LIVE_LINES })}</span>
      <span className={classes.space} />
      <label className={classes.budget}>
        {t('screens.budget')}
        <NumberInput
          size="xs"
          min={100}
          max={100_000}
          step={500}
          clampBehavior="blur"
          thousandSeparator="."
          decimalSeparator=","
          allowDecimal={false}
          value={layout.kbits}
          onChange={(value) => typeof value === 'number' && value >= 100 && session.change({ kbits: value })}
          data-testid="wall-budget"
        />
        kbit/s
      </label>
      <span data-testid="wall-rate">{t('screens.taken', { rate: formatRate(feed.rate * 8) })}</span>
      <span data-testid="wall-held">
        {t('screens.held', { held: formatNumber(feed.held), behind: formatNumber(feed.behind) })}
      </span>
      {feed.trouble !== null && (
        <span role="alert" className={classes.trouble}>
          <Icon name="warning" size={14} /> {t('screens.noPictures')}: {errorText(feed.trouble)}
        </span>
      )}
      <span data-testid="connection-state" data-state={link}>
        {t(`link.${link}`)}
      </span>
    </footer>
  );
}

/** Live pictures of a subtree in turn. */
function PatrolBar() {
  const { t } = useTranslation();
  const session = useWall();
  const layout = useWallState((s) => s.layout);
  const running = useWallState((s) => s.patrol);
  const patrol = layout.patrol;
  if (patrol === null || running === null)
    return (
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<Icon name="play" size={14} />}
        onClick={() => {
          const unit = layout.unit ?? session.roster.roots[0]?.code;
          if (unit !== undefined)
            session.change({
              patrol: { unit, seconds: 20, count: 6, paused: false },
              ...(layout.view === 'wall' ? { view: 'both' } : {}),
            });
        }}
        data-testid="patrol-start"
      >
        {t('screens.patrol')}
      </Button>
    );
  const set = (part: Partial<typeof patrol>) => session.change({ patrol: { ...patrol, ...part } });
  return (
    <div className={classes.patrol} role="group" aria-label={t('screens.patrol')}>
      <b>{t('screens.patrol')}</b>
      <UnitSelect
        label={t('screens.unit')}
        value={patrol.unit}
        all={null}
        onChange={(unit) => unit !== null && set({ unit })}
      />
      <NumberInput
        size="xs"
        aria-label={t('screens.patrolSeconds')}
        min={5}
        max={600}
        suffix=" s"
        clampBehavior="blur"
        value={patrol.seconds}
        onChange={(value) =>
          typeof value === 'number' && value >= 5 && value <= 600 && set({ seconds: value })
        }
      />
      <NumberInput
        size="xs"
        aria-label={t('screens.patrolCount')}
        min={1}
        max={LIVE_LINES}
        suffix={` ${t('screens.tiles')}`}
        clampBehavior="blur"
        value={patrol.count}
        onChange={(value) =>
          typeof value === 'number' && value >= 1 && value <= LIVE_LINES && set({ count: value })
        }
      />
      <ActionIcon
        variant="default"
        size={24}
        aria-label={t('screens.previous')}
        onClick={() => session.obey('previous')}
      >
        <Icon name="previous" size={14} />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size={24}
        aria-label={t(running.paused ? 'screens.resume' : 'screens.pause')}
        aria-pressed={running.paused}
        onClick={() => session.obey(running.paused ? 'resume' : 'pause')}
        data-testid="patrol-pause"
      >
        <Icon name={running.paused ? 'play' : 'pause'} size={14} />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size={24}
        aria-label={t('screens.next')}
        onClick={() => session.obey('next')}
        data-testid="patrol-next"
      >
        <Icon name="next" size={14} />
      </ActionIcon>
      <span className={classes.at} data-testid="patrol-at">
        {formatNumber(running.at)}/{formatNumber(running.of)}
        {running.paused && ` · ${t('screens.paused')}`}
      </span>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        onClick={() => session.change({ patrol: null })}
      >
        {t('screens.stop')}
      </Button>
    </div>
  );
}
