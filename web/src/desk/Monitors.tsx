import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { Mark, MicMark } from '../design/marks';
import { relativeAge } from '../i18n/format';
import { micOf } from '../models/floor';
import { awaitsPicture } from '../models/live';
import { lookOf } from '../models/stage';
import { Picture, useLive } from '../parts/Picture';
import { useErrorText } from '../parts/useErrorText';
import { useTitled } from '../slides/useTitled';
import { CheckMarks } from '../talkback/CheckMarks';
import checks from '../talkback/talkback.module.css';
import { useNow } from '../parts/useNow';
import { PRESENTATION } from '../protocol/types';
import { Caption, captionOf } from '../stage/Caption';
import { HoldingPicture, NoSlides } from '../stage/HoldingPicture';
import { StageFrame, type SlotPlace } from '../stage/StageFrame';
import classes from './monitors.module.css';
import { useGate } from './useGate';
import {
  useDesk,
  useDeskState,
  useLiveMeeting,
  useMay,
  useMeetingState,
  useNames,
  useStill,
} from './useDesk';

/** Preview and on air, always in the same places: outline and word against filled bar and word. */
export function Monitors() {
  return (
    <div className={classes.monitors}>
      <Monitor kind="preview" />
      <Monitor kind="onair" />
    </div>
  );
}

function Monitor({ kind }: { kind: 'preview' | 'onair' }) {
  const { t } = useTranslation();
  const session = useDesk();
  const streams = useStore(session.viewer.store, (s) => s.video);
  const phase = useStore(session.viewer.store, (s) => s.phase);
  const state = useMeetingState();
  const look = lookOf(state?.stage, kind === 'preview' ? 'preview' : 'on_air');
  const hold = kind === 'onair' ? (state?.stage.hold ?? null) : null;
  const slot = useDeskState((s) => s.slot);
  const codec = state?.codec ?? 'h264';
  const slotName = useSlotName();
  const title = t(kind === 'preview' ? 'desk.preview' : 'desk.onAir');
  const shown = look.slots.filter((s) => s !== null).map((s) => slotName(s));
  const cannot = phase === 'cannot_show';
  const refused = useLiveMeeting((s) => s.refused);
  const errorText = useErrorText();
  return (
    <section className={classes.monitor} data-kind={kind} aria-label={title}>
      <header className={classes.head}>
        <Mark name={kind === 'preview' ? 'preview' : 'on_air'} silent />
        <h2>{title}</h2>
        <span className={classes.shown} title={shown.join(' + ')}>
          {hold !== null ? t('direction.held') : shown.join(' + ')}
        </span>
      </header>
      <div className={classes.screen} data-size={look.slots.length}>
        <StageFrame
          look={look}
          chosen={kind === 'preview' ? slot : null}
          over={hold !== null && state !== null && <HoldingPicture title={state.title} hold={hold} />}
        >
          {(place) => (
            <Slot
              kind={kind}
              place={place}
              many={look.slots.length > 1}
              stream={streams[kind === 'preview' ? place.line + 4 : place.line] ?? null}
            />
          )}
        </StageFrame>
        {refused !== null && (
          <p className={classes.cannot} role="alert">
            {errorText(refused)}
          </p>
        )}
        {cannot && (
          <p className={classes.cannot} data-testid="cannot-show" role="alert">
            {t('desk.cannotShow', { codec: t(`codec.${codec}`) })}
          </p>
        )}
        {phase === 'down' && (
          <p className={classes.down} role="status">
            {t('desk.picturesDown')}
          </p>
        )}
      </div>
    </section>
  );
}

interface SlotProps {
  kind: 'preview' | 'onair';
  place: SlotPlace;
  many: boolean;
  stream: MediaStream | null;
}

function Slot({ kind, place: { line, slot: site, small }, many, stream }: SlotProps) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const gate = useGate();
  const [live, setLive] = useLive();
  const chosen = useDeskState((s) => s.slot) === line && kind === 'preview';
  const awaited = useLiveMeeting((s) => awaitsPicture(s, site)) && kind === 'onair';
  const slides = site === PRESENTATION;
  const label = useSlotName()(site);
  const captions = state?.stage.captions.on === true;
  return (
    <>
      <Picture
        stream={stream}
        testid={kind === 'preview' ? `desk-preview-video-${line}` : `desk-onair-video-${line}`}
        label={`${t(kind === 'preview' ? 'desk.preview' : 'desk.onAir')}: ${label}`}
        hidden={site === null}
        onLive={setLive}
      />
      {slides && !live && <NoSlides ended={state?.stage.presentation === null} />}
      {site !== null && !slides && !live && <StillBehind site={site} calling={kind === 'preview'} />}
      {site !== null && !slides && kind === 'preview' && state?.status === 'open' && (
        <span className={checks.onPreview}>
          <CheckMarks site={site} />
        </span>
      )}
      {awaited && live && (
        <p className={classes.held} role="status">
          <Mark name="degraded" silent plain />
          {t('desk.held', { name: label })}
        </p>
      )}
      {site === null && (
        <p className={classes.empty}>
          {kind === 'preview' && !many ? t('desk.emptyPreview') : t('desk.emptySlot')}
        </p>
      )}
      {site !== null && !slides && captions && (
        <>
          <Caption words={captionOf(state, site, names(site))} small={small} />
          {kind === 'preview' && (
            <button
              type="button"
              className={classes.name}
              onClick={() => session.ask({ caption: site })}
              data-testid={`caption-of-${line}`}
              aria-label={t('direction.captionOf', { name: label })}
              {...gate('stage.caption', t('direction.captionOf', { name: label }))}
            >
              <Icon name="name" size={14} />
            </button>
          )}
        </>
      )}
      {site !== null && many && !captions && (
        <figcaption className={classes.caption}>
          {!slides && <MicMark mic={micOf(state, site)} silent />}
          {label}
        </figcaption>
      )}
      {kind === 'preview' && many && (
        <button
          type="button"
          className={classes.choose}
          aria-pressed={chosen}
          onClick={() => session.chooseSlot(chosen ? null : line)}
        >
          {t('desk.slot', { n: line + 1 })}
        </button>
      )}
    </>
  );
}

/** Letters of a presentation's title in a monitor's heading. */
const TITLE = 24;

/** What a slot holds, in words. */
function useSlotName(): (slot: string | null) => string {
  const { t } = useTranslation();
  const names = useNames();
  const titled = useTitled();
  const presented = useMeetingState()?.stage.presentation ?? null;
  return (slot) => {
    if (slot === null) return t('desk.emptySlot');
    if (slot !== PRESENTATION) return names(slot).title;
    if (presented === null) return t('direction.slides');
    // A long title leaves room for whom it stands beside.
    const title = titled(presented.title);
    return title.length > TITLE ? `${title.slice(0, TITLE - 1)}…` : title;
  };
}

/** Until frames arrive: the last still with its age, so that a still is never taken for a live picture. */
function StillBehind({ site, calling }: { site: string; calling: boolean }) {
  const { t } = useTranslation();
  const still = useStill(site);
  const now = useNow();
  const may = useMay();
  return (
    <div className={classes.still}>
      {still.url !== null && <img src={still.url} alt="" />}
      <p>
        {!calling ? t('site.waitingPicture') : may('pin.set') ? t('desk.calling') : t('desk.noPreviewFor')}
        {still.at !== null && (
          <small>{t('desk.stillPicture', { age: relativeAge(t, now - still.at) })}</small>
        )}
      </p>
    </div>
  );
}
