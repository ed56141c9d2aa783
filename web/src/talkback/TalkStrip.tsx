import { Button, NativeSelect, Switch } from '@mantine/core';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useLiveMeeting, useMeetingState, useNames } from '../desk/useDesk';
import { Icon } from '../design/icons';
import { Meter } from '../design/Meter';
import { formatClock, formatNumber } from '../i18n/format';
import { levelOf } from '../media/meter';
import { micOf } from '../models/floor';
import { AudioLines } from '../parts/AudioLines';
import type { Talk } from '../protocol/types';
import siteRow from '../parts/siteRow.module.css';
import classes from './talkback.module.css';

/** The private words that are open: who hears whom, both levels, one's own first. */
export function TalkStrip() {
  const { t } = useTranslation();
  const session = useDesk();
  const talks = useLiveMeeting((s) => s.talks);
  const me = useStore(session.wire.state, (s) => s.who?.id ?? null);
  const names = useNames();
  const mine = talks.filter((talk) => talk.by.id === me);
  const others = talks.filter((talk) => talk.by.id !== me);
  return (
    <>
      <AudioLines viewer={session.talk.ear} sound={session.talk.sound} />
      {/* Always there, so that the wall keeps its place in the grid. */}
      {talks.length === 0 ? (
        <div />
      ) : (
        <section
          className={classes.strip}
          data-region="talkback"
          aria-label={t('talkback.title')}
          data-testid="talkback"
        >
          <header className={classes.top}>
            <h2>
              {t('talkback.title')} <span>{formatNumber(talks.length)}</span>
            </h2>
            {mine.length > 0 && <Mine many={mine.length > 1} together={mine[0]?.together ?? false} />}
          </header>
          <ul className={classes.cards} aria-live="polite">
            {mine.map((talk) => (
              <Entry key={talk.id} talk={talk} name={names(talk.site).title} path={names(talk.site).path} />
            ))}
          </ul>
          {others.map((talk) => (
            <p key={talk.id} className={classes.other}>
              {t('talkback.others', { person: talk.by.name, name: names(talk.site).title })}
            </p>
          ))}
        </section>
      )}
    </>
  );
}

/** One's own microphone: its level, which one it is, and whether the sites hear each other. */
function Mine({ many, together }: { many: boolean; together: boolean }) {
  const { t } = useTranslation();
  const { talk } = useDesk();
  const mics = useStore(talk.devices.store, (s) => s.mics);
  const micId = useStore(talk.devices.store, (s) => s.micId);
  const read = useCallback(() => talk.meter.level(), [talk]);
  return (
    <div className={classes.mine}>
      <span>{t('talkback.mine')}</span>
      <Meter read={read} label={t('talkback.mine')} />
      {mics.length > 1 && (
        <NativeSelect
          size="xs"
          className={classes.pick}
          aria-label={t('talkback.mic')}
          value={micId ?? ''}
          data={mics.map((m) => ({ value: m.id, label: m.label || t('talkback.mic') }))}
          onChange={(event) => void talk.devices.choose('mic', event.currentTarget.value)}
        />
      )}
      {many && (
        <Switch
          size="xs"
          label={t('talkback.together')}
          checked={together}
          onChange={(event) => talk.together(event.currentTarget.checked)}
        />
      )}
    </div>
  );
}

function Entry({ talk, name, path }: { talk: Talk; name: string; path: string }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const press = useStore(session.talk.store, (s) => (s.site === talk.site ? s.press : 'off'));
  const onAir = micOf(state, talk.site) === 'open';
  const store = session.model.store;
  const read = useCallback(() => levelOf(store.getState().levels[talk.site] ?? -127), [store, talk.site]);
  const speaks = talk.speaks || press !== 'off';
  const word = !speaks
    ? t('talkback.quiet')
    : press === 'held'
      ? t('talkback.speaking')
      : t('talkback.latched');
  return (
    <li
      className={classes.entry}
      data-testid="talk"
      data-site={talk.site}
      data-speaks={talk.speaks}
      data-answers={talk.answers}
      data-ready={talk.hears && talk.sends}
    >
      <button
        type="button"
        className={siteRow.name}
        onClick={() => session.select({ kind: 'site', id: talk.site })}
      >
        {name}
        <small>{path}</small>
      </button>
      <span className={classes.state} data-on={speaks}>
        <Icon name={speaks ? 'sound' : 'pause'} size={16} />
        {word}
      </span>
      <div className={classes.theirs}>
        <span>{talk.answers ? t('talkback.answering') : t('talkback.silent')}</span>
        <Meter read={read} label={t('talkback.theirs', { name })} />
      </div>
      {onAir && (
        <p className={classes.warning} data-testid="talk-on-air">
          <Icon name="warning" size={16} />
          {t('talkback.onAir')}
        </p>
      )}
      {!talk.hears && <p className={classes.note}>{t('talkback.notHeard')}</p>}
      {!talk.sends && <p className={classes.note}>{t('talkback.notSent')}</p>}
      {talk.muted && <p className={classes.note}>{t('talkback.muted')}</p>}
      {talk.tapped !== null && (
        <p className={classes.tapped} data-clear={talk.tapped.clear} data-testid="talk-tapped">
          <Icon name={talk.tapped.clear ? 'check' : 'warning'} size={16} />
          {t('talkback.tappedAt', {
            what: t(talk.tapped.clear ? 'talkback.clear' : 'talkback.notClear'),
            time: formatClock(Date.parse(talk.tapped.at)),
          })}
        </p>
      )}
      <span className={siteRow.wide}>
        <Button
          size="compact-xs"
          variant={speaks ? 'filled' : 'default'}
          aria-pressed={speaks}
          onClick={() => session.talk.toggle(talk)}
          data-testid="talk-speak"
        >
          {t(speaks ? 'talkback.speaking' : 'talkback.speak')}
          <span className="dc-hidden">: {name}</span>
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          aria-pressed={talk.muted}
          onClick={() => session.talk.mute(talk)}
        >
          {t(talk.muted ? 'talkback.unmute' : 'talkback.mute')}
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t('talkback.endOf', { name })}
          onClick={() => session.talk.end(talk.site)}
          data-testid="talk-end"
        >
          {t('talkback.end')}
        </Button>
      </span>
    </li>
  );
}
