import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { formatMinute, formatNumber } from '../i18n/format';
import { micOf, standingOf } from '../models/floor';
import { titleOf } from '../models/roster';
import { FoundBefore } from '../inspections/FoundBefore';
import { AwayMark } from '../many/DeskNotes';
import { SiteSettings } from '../many/SiteSettings';
import classes from './selected.module.css';
import { StepMark } from './StepMark';
import {
  useDesk,
  useDeskState,
  useLiveMeeting,
  useMeetingState,
  useNames,
  useRosterVersion,
} from './useDesk';
import { useRefusals } from './useRefusals';

/** What is chosen in the tree, wall or queue, and what can be done with it: always here, so that nothing jumps. */
export function SelectedCard() {
  const { t } = useTranslation();
  const selected = useDeskState((s) => s.selected);
  return (
    <section className={classes.card} aria-label={t('desk.selected')}>
      {selected === null ? (
        <p className={classes.none}>{t('desk.nothingSelected')}</p>
      ) : selected.kind === 'site' ? (
        <SiteCard id={selected.id} />
      ) : (
        <UnitCard code={selected.code} />
      )}
    </section>
  );
}

function SiteCard({ id }: { id: string }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const why = useRefusals();
  useRosterVersion();
  const name = useNames()(id);
  const node = session.roster.sites.get(id);
  const joined = node?.joined ?? false;
  const parent = node?.unit?.parent?.code ?? null;
  const standing = standingOf(state, id, joined);
  const mic = micOf(state, id);
  const step = useLiveMeeting((s) => s.steps.get(id));
  const page = useLiveMeeting((s) => s.pages.get(id));
  const speaks = state?.floor.speakers.some((s) => s.site === id) ?? false;
  const waits = state?.floor.hands.some((h) => h.site === id) ?? false;
  const lined = state?.stage.line_up?.includes(id) ?? false;
  const closed = state?.status !== 'open';
  return (
    <>
      <h2 className={classes.title}>{name.title}</h2>
      <p className={classes.path}>{name.path}</p>
      <p className={classes.state}>
        <Mark name={standing} silent />
        {t(`mark.${standing}`)}
        <MicMark mic={mic} silent />
        {t(`mark.mic_${mic}`)}
        {step !== undefined && <StepMark step={step} word />}
        {joined && page?.page_hidden === true && (
          <span className={classes.away} data-testid="page-hidden">
            <Icon name="warning" size={14} />
            {t('sheets.isHidden')}
          </span>
        )}
        {joined && page?.page_hidden === false && page.slept_at !== null && (
          <span className={classes.away}>
            <Icon name="warning" size={14} />
            {t('sheets.hasSlept', { time: formatMinute(Date.parse(page.slept_at)) })}
          </span>
        )}
      </p>
      <AwayMark site={id} />
      <FoundBefore site={id} />
      <div className={classes.actions}>
        <SiteSettings site={id} />
        <Button
          size="compact-xs"
          variant="default"
          disabled={closed || why('stage.preview') !== undefined}
          title={why('stage.preview')}
          onClick={() => void session.preview(id)}
          data-testid="to-preview"
        >
          {t('desk.toPreview')} <kbd className="dc-kbd">P</kbd>
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          disabled={closed || why('call.start') !== undefined}
          title={why('call.start')}
          onClick={() => void session.dial(id)}
          data-testid="call-site"
        >
          {t('inspections.call')} <kbd className="dc-kbd">C</kbd>
        </Button>
        <Button
          size="compact-xs"
          variant={lined ? 'light' : 'default'}
          aria-pressed={lined}
          disabled={closed || why('stage.line_up') !== undefined}
          title={why('stage.line_up')}
          onClick={() => void session.lineUp(id)}
          data-testid="line-up-site"
        >
          {t('talkback.lineUp.add')} <kbd className="dc-kbd">L</kbd>
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          disabled={closed || !joined || why('talk.open') !== undefined}
          title={why('talk.open')}
          onClick={() => session.talk.open(id)}
          data-testid="talk-open"
        >
          {t('talkback.talk')} <kbd className="dc-kbd">T</kbd>
        </Button>
        {speaks ? (
          <Button
            size="compact-xs"
            variant="default"
            disabled={why('floor.end') !== undefined}
            title={why('floor.end')}
            onClick={() => void session.end(id)}
            data-testid="selected-end-floor"
          >
            {t('desk.end')} <kbd className="dc-kbd">E</kbd>
          </Button>
        ) : (
          <Button
            size="compact-xs"
            variant="default"
            disabled={closed || !joined || why('floor.give') !== undefined}
            title={why('floor.give')}
            onClick={() => void session.give(id)}
            data-testid="selected-give-floor"
          >
            {t('desk.give')} <kbd className="dc-kbd">G</kbd>
          </Button>
        )}
        <Button
          size="compact-xs"
          variant="default"
          disabled={closed || mic === 'off' || why('mute') !== undefined}
          title={why('mute')}
          onClick={() => void session.toggleMute({ kind: 'site', id })}
          data-testid="selected-mute"
        >
          {mic === 'muted' ? t('desk.unmuteSite') : t('desk.muteSite')} <kbd className="dc-kbd">M</kbd>
        </Button>
        {!speaks && joined && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            disabled={closed || why('floor.give') !== undefined}
            title={why('floor.give')}
            onClick={() => void session.give(id, true)}
          >
            {t('desk.giveAlso')}
          </Button>
        )}
        {parent !== null && (
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => session.showWall(parent)}>
            {t('desk.wallHere')}
          </Button>
        )}
        {waits && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            disabled={why('hand.lower') !== undefined}
            title={why('hand.lower')}
            onClick={() => void session.command('hand.lower', { site: id })}
          >
            {t('desk.lower')}
          </Button>
        )}
      </div>
    </>
  );
}

function UnitCard({ code }: { code: string }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const why = useRefusals();
  useRosterVersion();
  const unit = session.roster.units.get(code);
  if (!unit) return <p className={classes.none}>{t('desk.nothingSelected')}</p>;
  return (
    <>
      <h2 className={classes.title}>{titleOf(unit)}</h2>
      <p className={classes.path}>{unit.code}</p>
      <p className={classes.state}>
        <Mark name="joined" silent />
        {t('mark.joined')}: {formatNumber(unit.joined)}/{formatNumber(unit.invited)}
      </p>
      <div className={classes.actions}>
        <Button
          size="compact-xs"
          variant="default"
          disabled={state?.status !== 'open' || why('mute') !== undefined}
          title={why('mute')}
          onClick={() => void session.command('mute', { unit: code })}
          data-testid="mute-unit"
        >
          {t('desk.muteUnit')} <kbd className="dc-kbd">M</kbd>
        </Button>
      </div>
    </>
  );
}
