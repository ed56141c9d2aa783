import { Button, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk, useDeskState, useMeetingState, useNames, useRosterVersion } from '../desk/useDesk';
import { useGate } from '../desk/useGate';
import { Icon } from '../design/icons';
import { beforeOf, type QueueEntry } from '../models/floor';
import type { Listed } from '../protocol/types';
import siteRow from '../parts/siteRow.module.css';
import classes from './floor.module.css';
import { Grip } from './Grip';
import { Ticks } from './Hands';

/** Who comes next at the centre, in order, with note and minutes. A province sees it and changes nothing. */
export function SpeakersList({ entries }: { entries: QueueEntry[] }) {
  const { t } = useTranslation();
  const session = useDesk();
  const gate = useGate();
  const state = useMeetingState();
  const names = useNames();
  const selected = useDeskState((s) => (s.selected?.kind === 'site' ? s.selected.id : null));
  const list = state?.floor.list ?? [];
  const order = list.map((one) => one.site);
  const centre = state?.reach === 'centre';
  const known = selected !== null && order.includes(selected);
  return (
    <>
      {list.length === 0 && <p className={classes.empty}>{t('floor.listEmpty')}</p>}
      <ol className={siteRow.list} data-testid="speakers-list">
        {list.map((one, i) => (
          <Row
            key={one.site}
            listed={one}
            place={i + 1}
            order={order}
            centre={centre}
            entry={entries.find((e) => e.site === one.site && e.role === 'listed') ?? null}
          />
        ))}
      </ol>
      {centre && (
        <div className={classes.foot}>
          <Button
            size="compact-xs"
            variant="default"
            {...gate(
              'list.add',
              selected === null ? t('floor.addHint') : undefined,
              selected === null || known,
            )}
            onClick={() => selected !== null && void session.command('list.add', { site: selected })}
            data-testid="list-add"
          >
            {selected === null ? t('floor.addHint') : t('floor.addSelected', { name: names(selected).title })}{' '}
            <kbd className="dc-kbd">A</kbd>
          </Button>
        </div>
      )}
    </>
  );
}

function Row({
  listed,
  place,
  order,
  centre,
  entry,
}: {
  listed: Listed;
  place: number;
  order: readonly string[];
  centre: boolean;
  entry: QueueEntry | null;
}) {
  const { t } = useTranslation();
  const session = useDesk();
  const gate = useGate();
  const { site, note, minutes, version } = listed;
  const name = useNames()(site);
  useRosterVersion();
  // A province does not know who of the others is there.
  const here = session.roster.sites.get(site)?.joined ?? !centre;
  const [editing, setEditing] = useState(false);
  const selected = useDeskState((s) => s.selected?.kind === 'site' && s.selected.id === site);
  const move = (before: string | null) => void session.command('list.move', { site, before, version });
  return (
    <li
      className={`${siteRow.row} ${classes.entry}`}
      data-testid="listed"
      data-site={site}
      data-selected={selected}
    >
      <span className={siteRow.place}>
        {centre ? (
          <Grip
            site={site}
            label={t('floor.move', { name: name.title })}
            gate={gate('list.move', t('floor.move', { name: name.title }))}
            onStep={(step) => {
              const to = beforeOf(order, site, step);
              if (to !== undefined) move(to);
            }}
            onDrop={(dragged) => {
              if (dragged !== site && order.includes(dragged)) session.moveListed(dragged, site);
            }}
          >
            {place}
          </Grip>
        ) : (
          place
        )}
      </span>
      <button
        type="button"
        className={siteRow.name}
        title={[name.title, name.path].filter(Boolean).join(', ')}
        onClick={() => session.select({ kind: 'site', id: site })}
      >
        <span className="dc-hidden">{t('site.title')} </span>
        {name.title}
        <small>
          {!here && <b>{t('floor.absent')} · </b>}
          {minutes !== null && `${t('floor.minutes', { n: minutes })} · `}
          {note === '' ? name.path : note}
        </small>
      </button>
      <span className={siteRow.ticks}>{entry !== null && <Ticks entry={entry} />}</span>
      {editing ? (
        <EditForm listed={listed} onDone={() => setEditing(false)} />
      ) : (
        centre && (
          <span className={siteRow.wide}>
            <Button
              size="compact-xs"
              variant={place === 1 ? 'filled' : 'default'}
              {...gate('floor.give', t('desk.give'), !here)}
              onClick={() => void session.give(site)}
              data-testid="give-listed"
            >
              {t('desk.give')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              {...gate('stage.preview', t('desk.toPreview'), entry?.inPreview ?? false)}
              onClick={() => void session.preview(site)}
            >
              {t('desk.toPreview')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              aria-label={t('floor.edit', { name: name.title })}
              {...gate('list.edit', t('floor.edit', { name: name.title }))}
              onClick={() => setEditing(true)}
              data-testid="edit-listed"
            >
              <Icon name="settings" size={14} />
            </Button>
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              aria-label={t('floor.remove', { name: name.title })}
              {...gate('list.remove', t('floor.remove', { name: name.title }))}
              onClick={() => void session.command('list.remove', { site })}
            >
              <Icon name="close" size={14} />
            </Button>
          </span>
        )
      )}
    </li>
  );
}

function EditForm({ listed, onDone }: { listed: Listed; onDone: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const [note, setNote] = useState(listed.note);
  const [minutes, setMinutes] = useState<number | string>(listed.minutes ?? '');
  // Made on what was seen when the form opened: what somebody else changed meanwhile is not written over.
  const [version] = useState(listed.version);
  const save = async () => {
    const wanted = typeof minutes === 'number' ? minutes : null;
    const edit = { site: listed.site, note: note.trim(), minutes: wanted, version };
    if (await session.command('list.edit', edit)) onDone();
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onDone();
      }}
    >
      <TextInput
        size="xs"
        autoFocus
        maxLength={200}
        aria-label={t('floor.note')}
        placeholder={t('floor.note')}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <NumberInput
        size="xs"
        w={72}
        min={1}
        max={240}
        allowDecimal={false}
        aria-label={t('floor.minutesShort')}
        placeholder={t('floor.minutesShort')}
        value={minutes}
        onChange={setMinutes}
      />
      <Button size="compact-xs" type="submit">
        {t('floor.save')}
      </Button>
      <Button size="compact-xs" variant="subtle" color="gray" onClick={onDone}>
        {t('floor.cancel')}
      </Button>
    </form>
  );
}
