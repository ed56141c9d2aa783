import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Mark, MicMark } from '../design/marks';
import { relativeAge } from '../i18n/format';
import { micOf } from '../models/floor';
import { awaitsPicture } from '../models/live';
import { Picture, useLive } from '../parts/Picture';
import { useErrorText } from '../parts/useErrorText';
import { CheckMarks } from '../talkback/CheckMarks';
import checks from '../talkback/talkback.module.css';
import { useNow } from '../parts/useNow';
import type { Slots } from '../protocol/types';
import classes from './monitors.module.css';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useNames, useStill } from './useDesk';

const LINES = [0, 1, 2, 3] as const;

/** Preview and on air, always in the same places: outline and word against filled bar and word. */
export function Monitors() {
  const state = useMeetingState();
  return (
    <div className={classes.monitors}>
      <Monitor kind="preview" slots={state?.stage.preview ?? [null]} />
      <Monitor kind="onair" slots={state?.stage.on_air ?? [null]} />
    </div>
  );
}

function Monitor({ kind, slots }: { kind: 'preview' | 'onair'; slots: Slots }) {
  const { t } = useTranslation();
  const session = useDesk();
  const streams = useStore(session.viewer.store, (s) => s.video);
  const phase = useStore(session.viewer.store, (s) => s.phase);
  const codec = useMeetingState()?.codec ?? 'h264';
  const names = useNames();
  const title = t(kind === 'preview' ? 'desk.preview' : 'desk.onAir');
  const shown = slots.filter((s) => s !== null).map((s) => names(s).title);
  const cannot = phase === 'cannot_show';
  const refused = useLiveMeeting((s) => s.refused);
  const errorText = useErrorText();
  return (
    <section className={classes.monitor} data-kind={kind} aria-label={title}>
      <header className={classes.head}>
        <Mark name={kind === 'preview' ? 'preview' : 'on_air'} silent />
        <h2>{title}</h2>
        <span className={classes.shown}>{shown.join(' + ')}</span>
      </header>
      <div className={classes.screen} data-size={slots.length}>
        {LINES.map((line) => (
          <Slot
            key={line}
            kind={kind}
            line={line}
            site={slots[line] ?? null}
            used={line < slots.length}
            many={slots.length > 1}
            stream={streams[kind === 'preview' ? line + 4 : line] ?? null}
          />
        ))}
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
  line: number;
  site: string | null;
  used: boolean;
  many: boolean;
  stream: MediaStream | null;
}

function Slot({ kind, line, site, used, many, stream }: SlotProps) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const [live, setLive] = useLive();
  const chosen = useDeskState((s) => s.slot) === line && kind === 'preview';
  const awaited = useLiveMeeting((s) => awaitsPicture(s, site)) && kind === 'onair';
  const name = site === null ? null : names(site);
  const label = name?.title ?? t('desk.emptySlot');
  return (
    <figure className={classes.slot} hidden={!used} data-chosen={chosen}>
      <Picture
        stream={stream}
        testid={kind === 'preview' ? `desk-preview-video-${line}` : `desk-onair-video-${line}`}
        label={`${t(kind === 'preview' ? 'desk.preview' : 'desk.onAir')}: ${label}`}
        hidden={site === null}
        onLive={setLive}
      />
      {site !== null && !live && <StillBehind site={site} calling={kind === 'preview'} />}
      {site !== null && kind === 'preview' && state?.status === 'open' && (
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
      {site !== null && many && (
        <figcaption className={classes.caption}>
          <MicMark mic={micOf(state, site)} silent />
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
    </figure>
  );
}

/** Until frames arrive: the last still with its age, so that a still is never taken for a live picture. */
function StillBehind({ site, calling }: { site: string; calling: boolean }) {
  const { t } = useTranslation();
  const still = useStill(site);
  const now = useNow();
  return (
    <div className={classes.still}>
      {still.url !== null && <img src={still.url} alt="" />}
      <p>
        {calling ? t('desk.calling') : t('site.waitingPicture')}
        {still.at !== null && (
          <small>{t('desk.stillPicture', { age: relativeAge(t, now - still.at) })}</small>
        )}
      </p>
    </div>
  );
}
