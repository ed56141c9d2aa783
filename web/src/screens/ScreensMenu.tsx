import { ActionIcon, Button, Checkbox, Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { useDesk, useDeskState, useLiveMeeting, useMay, useNames } from '../desk/useDesk';
import { formatNumber } from '../i18n/format';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import type { Screen, ScreenKind, ScreenOrder, Show } from '../protocol/types';
import { drive, listLayouts, setShortlist, shortlist } from './api';
import classes from './menu.module.css';
import { addressOf, monitors, openWindow, type Monitor } from './windows';

const KINDS = ['stage', 'wall', 'leader'] as const;
const HINTS = { stage: 'openStage', wall: 'openWall', leader: 'openLeader' } as const;
const SHORTLIST = 24;

/** The desk's door to every window on other monitors: open it, tell it what to show, close it. */
export function ScreensMenu() {
  const { t } = useTranslation();
  const count = useLiveMeeting((s) => s.screens.length);
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Icon name="screen" size={16} />}
        onClick={() => setOpened(true)}
        data-testid="screens"
      >
        {count === 0 ? t('screens.menu') : t('screens.menuCount', { n: formatNumber(count) })}
      </Button>
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('screens.title')} size="xl">
        <div className={classes.body}>
          <OpenList />
          <WindowList />
          <Shortlists />
        </div>
      </Dialog>
    </>
  );
}

function OpenList() {
  const { t } = useTranslation();
  const { meeting } = useDesk();
  const may = useMay();
  // The stage is for whom the meeting concerns.
  const shut = (kind: ScreenKind) => kind !== 'stage' && !may(`screen.${kind}`);
  const [known, setKnown] = useState<Monitor[] | null | undefined>(undefined);
  const [on, setOn] = useState<string>('');
  const [blocked, setBlocked] = useState<ScreenKind | null>(null);
  const [copied, setCopied] = useState<ScreenKind | null>(null);
  const choose = async (value: string | null) => {
    if (value === 'ask') setKnown(await monitors());
    else setOn(value ?? '');
  };
  const open = (kind: ScreenKind) => {
    const monitor = on === '' ? null : (known?.[Number(on)] ?? null);
    setBlocked(openWindow(kind, meeting, monitor, monitor?.label ?? '') ? null : kind);
  };
  return (
    <section>
      <Select
        className={classes.monitor}
        label={t('screens.monitor')}
        size="xs"
        comboboxProps={{ withinPortal: true }}
        data={[
          { value: '', label: t('screens.anyMonitor') },
          ...(known ?? []).map((one, i) => ({
            value: String(i),
            label: `${t('screens.monitorName', { n: i + 1, width: one.width, height: one.height })} ${one.label}`,
          })),
          ...(known === undefined ? [{ value: 'ask', label: t('screens.askMonitors') }] : []),
        ]}
        value={on}
        onChange={(value) => void choose(value)}
      />
      {known === null && <p className={classes.hint}>{t('screens.noMonitors')}</p>}
      <ul className={classes.kinds}>
        {KINDS.map((kind) => (
          <li key={kind}>
            <b>{t(`screens.${kind}`)}</b>
            <p>
              {t(`screens.${HINTS[kind]}`)}
              {shut(kind) && <small>{t('screens.windowShut')}</small>}
            </p>
            <Button
              size="compact-sm"
              disabled={shut(kind)}
              title={shut(kind) ? t('screens.windowShut') : undefined}
              onClick={() => open(kind)}
              data-testid={`open-${kind}`}
            >
              {t('screens.open')}
            </Button>
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              title={t('screens.address')}
              onClick={() =>
                void navigator.clipboard.writeText(addressOf(kind, meeting)).then(
                  () => setCopied(kind),
                  () => setBlocked(kind),
                )
              }
            >
              {copied === kind ? t('screens.copied') : t('screens.copy')}
            </Button>
          </li>
        ))}
      </ul>
      {blocked !== null && (
        <p role="alert" className={classes.hint}>
          {t('screens.blocked')} <code>{addressOf(blocked, meeting)}</code>
        </p>
      )}
    </section>
  );
}

function WindowList() {
  const { t } = useTranslation();
  const screens = useLiveMeeting((s) => s.screens);
  return (
    <section aria-label={t('screens.opened')}>
      <h3>{t('screens.opened')}</h3>
      {screens.length === 0 && <p className={classes.hint}>{t('screens.none')}</p>}
      <ul className={classes.windows}>
        {screens.map((screen) => (
          <WindowRow key={screen.id} screen={screen} />
        ))}
      </ul>
    </section>
  );
}

function WindowRow({ screen }: { screen: Screen }) {
  const { t } = useTranslation();
  const { meeting, wire } = useDesk();
  const me = useStore(wire.state, (s) => s.who?.id ?? null);
  const drives = useMay()('screen.drive') || screen.person === me;
  const errorText = useErrorText();
  const [failed, setFailed] = useState<string | null>(null);
  const { data: layouts } = useQuery({
    queryKey: ['wall', 'layouts'],
    queryFn: listLayouts,
    enabled: screen.kind === 'wall' && me !== null && drives,
  });
  const send = async (order: { show?: Show; do?: ScreenOrder }) => {
    try {
      await drive(meeting, screen.id, order);
      setFailed(null);
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  const show = (part: Partial<Show>) => void send({ show: { ...screen.show, ...part } });
  const { status } = screen;
  return (
    <li data-testid="screen-row" data-kind={screen.kind}>
      <div>
        <b>{t(`screens.${screen.kind}`)}</b> {screen.label}
        <small>
          {t('screens.by', { name: screen.name })} ·{' '}
          {t(status.full_screen ? 'screens.fullScreenOn' : 'screens.fullScreenOff')}
          {status.sound === 'blocked' && ` · ${t('screens.soundBlocked')}`}
        </small>
      </div>
      <fieldset
        className={classes.controls}
        disabled={!drives}
        title={drives ? undefined : t('screens.driveShut')}
      >
        {screen.kind === 'stage' && (
          <>
            <Checkbox
              size="xs"
              label={t('screens.captions')}
              checked={screen.show.captions}
              onChange={(event) => show({ captions: event.currentTarget.checked })}
              data-testid="screen-captions"
            />
            <Checkbox
              size="xs"
              label={t('screens.sound')}
              checked={screen.show.sound}
              onChange={(event) => show({ sound: event.currentTarget.checked })}
            />
          </>
        )}
        {screen.kind === 'wall' && (
          <>
            <Select
              size="xs"
              aria-label={t('screens.setLayout')}
              placeholder={t('screens.chooseLayout')}
              data={(layouts ?? []).map((one) => one.name)}
              value={null}
              onChange={(name) => {
                const chosen = layouts?.find((one) => one.name === name);
                if (chosen !== undefined) show({ layout: chosen.layout });
              }}
            />
            {status.patrol !== null && (
              <span role="group" aria-label={t('screens.patrol')} className={classes.patrol}>
                {t('screens.patrol')} {formatNumber(status.patrol.at)}/{formatNumber(status.patrol.of)}
                <Step name="previous" word={t('screens.previous')} run={() => send({ do: 'previous' })} />
                <Step
                  name={status.patrol.paused ? 'play' : 'pause'}
                  word={t(status.patrol.paused ? 'screens.resume' : 'screens.pause')}
                  run={() => send({ do: status.patrol?.paused === true ? 'resume' : 'pause' })}
                />
                <Step name="next" word={t('screens.next')} run={() => send({ do: 'next' })} />
              </span>
            )}
          </>
        )}
        <Button size="compact-xs" variant="default" onClick={() => void send({ do: 'close' })}>
          {t('screens.close')}
        </Button>
      </fieldset>
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
    </li>
  );
}

function Step({
  name,
  word,
  run,
}: {
  name: 'previous' | 'next' | 'pause' | 'play';
  word: string;
  run: () => Promise<void>;
}) {
  return (
    <ActionIcon variant="default" size={22} aria-label={word} onClick={() => void run()}>
      <Icon name={name} size={14} />
    </ActionIcon>
  );
}

/** The shortlists of those whose leader's screens are open, one's own in any case. */
function Shortlists() {
  const screens = useLiveMeeting((s) => s.screens);
  const { wire } = useDesk();
  const me = useStore(wire.state, (s) => s.who?.id ?? null);
  const leaders = new Map<string, string>();
  for (const screen of screens)
    if (screen.kind === 'leader' && screen.person !== me) leaders.set(screen.person, screen.name);
  return (
    <>
      <ShortlistOf person={null} name={null} />
      {[...leaders].map(([person, name]) => (
        <ShortlistOf key={person} person={person} name={name} />
      ))}
    </>
  );
}

function ShortlistOf({ person, name }: { person: string | null; name: string | null }) {
  const { t } = useTranslation();
  const { meeting, wire } = useDesk();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const names = useNames();
  const selected = useDeskState((s) => (s.selected?.kind === 'site' ? s.selected.id : null));
  const key = ['shortlist', meeting, person];
  const right = person === null ? 'screen.leader' : 'screen.drive';
  const who = useStore(wire.state, (s) => s.who);
  const shut = who !== null && !who.may.includes(right);
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: () => shortlist(meeting, person),
    retry: false,
    enabled: who !== null && !shut,
  });
  const [failed, setFailed] = useState<string | null>(null);
  const sites = data ?? [];
  const set = async (next: string[]) => {
    try {
      await setShortlist(meeting, next, person);
      setFailed(null);
    } catch (caught) {
      setFailed(codeOf(caught));
    }
    await queries.invalidateQueries({ queryKey: key });
  };
  const title = name === null ? t('screens.shortlist') : t('screens.shortlistOf', { name });
  const full = sites.length >= SHORTLIST;
  // Another's list is no business of who may not change it; for one's own it is said why it is shut.
  if (shut && person !== null) return null;
  if (shut || (error !== null && data === undefined))
    return (
      <section aria-label={title} data-testid="shortlist-shut">
        <h3>{title}</h3>
        <p className={classes.hint} role={shut ? undefined : 'alert'}>
          {shut || codeOf(error) === 'forbidden' ? t('screens.shortlistShut') : errorText(codeOf(error))}
        </p>
      </section>
    );
  return (
    <section aria-label={title} data-testid="shortlist">
      <h3>{title}</h3>
      <p className={classes.hint}>
        {full ? t('screens.full', { n: SHORTLIST }) : t('screens.shortlistHint')}
      </p>
      <ol className={classes.list}>
        {sites.map((site, i) => (
          <li key={site}>
            <span>
              {names(site).title} <small>{names(site).path}</small>
            </span>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={22}
              disabled={i === 0}
              aria-label={t('screens.up', { name: names(site).title })}
              onClick={() => {
                const next = sites.filter((one) => one !== site);
                next.splice(i - 1, 0, site);
                void set(next);
              }}
            >
              <span aria-hidden="true">↑</span>
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={22}
              aria-label={t('screens.remove', { name: names(site).title })}
              onClick={() => void set(sites.filter((one) => one !== site))}
            >
              <Icon name="close" size={14} />
            </ActionIcon>
          </li>
        ))}
      </ol>
      <Button
        size="compact-sm"
        variant="default"
        disabled={selected === null || full || sites.includes(selected)}
        onClick={() => selected !== null && void set([...sites, selected])}
        data-testid="shortlist-add"
      >
        {selected === null ? t('screens.addNone') : t('screens.add', { name: names(selected).title })}
      </Button>
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
    </section>
  );
}
