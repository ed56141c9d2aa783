import { ActionIcon, Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon, type IconName } from '../design/icons';
import { lookOf } from '../models/stage';
import { LAYOUTS, PRESENTATION, type LayoutName } from '../protocol/types';
import classes from './controls.module.css';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useNames } from './useDesk';
import { useRefusals } from './useRefusals';

const KEYS: readonly [LayoutName, string][] = [
  ['one', '1'],
  ['two', '2'],
  ['speaker_chair', '3'],
  ['four', '4'],
  ['slides_speaker', '5'],
];

/** The strip between the pictures and the wall: cut and undo, layouts, then what lies over the picture. */
export function Controls() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const shown = useLiveMeeting((s) => s.lastShown);
  const why = useRefusals()('stage.cut');
  const preview = lookOf(state?.stage, 'preview');
  const held = state?.stage.hold != null;
  const before = (state?.stage.before ?? []).filter((s) => s !== null);
  const open = state?.status === 'open';
  const ready = preview.slots.some((s) => s !== null) && open;
  const went = before.map((s) => (s === PRESENTATION ? t('direction.slides') : names(s).title)).join(' + ');
  return (
    <div className={classes.strip} data-region="controls" role="toolbar" aria-label={t('desk.header')}>
      <Button
        className={classes.cut}
        disabled={!ready}
        onClick={() => void session.cut()}
        title={why ?? t('desk.cutHint')}
        data-testid="cut"
      >
        {t('desk.cut')} <kbd className="dc-kbd">Enter</kbd>
      </Button>
      <Button
        variant="default"
        disabled={(before.length === 0 && !held) || !open}
        onClick={() => void session.undo()}
        title={why ?? t(held ? 'direction.undoHold' : 'desk.undoHint')}
        leftSection={<Icon name="undo" size={16} />}
        className={classes.undo}
        data-testid="undo"
      >
        <span className={classes.undoText}>
          {t('desk.undo')}
          {held ? `: ${t('direction.undoHoldShort')}` : before.length > 0 && `: ${went}`}
        </span>
        <kbd className="dc-kbd">Z</kbd>
      </Button>
      <span className={classes.layouts} role="group" aria-label={t('desk.layout')}>
        {KEYS.map(([layout, key]) => (
          <button
            key={layout}
            type="button"
            aria-pressed={preview.layout === layout}
            title={why ?? `${t(`direction.layouts.${layout}`)} (${key})`}
            disabled={!open}
            onClick={() => void session.layout(layout)}
            data-testid={`layout-${layout}`}
          >
            <Drawing layout={layout} />
            <span className="dc-hidden">{t(`direction.layouts.${layout}`)}</span>
            {key}
          </button>
        ))}
      </span>
      <ActionIcon
        variant="default"
        size={32}
        disabled={!ready}
        onClick={() => void session.clearPreview()}
        aria-label={t('desk.clearPreview')}
        title={why ?? t('desk.clearPreview')}
        data-testid="clear-preview"
      >
        <Icon name="close" size={16} />
      </ActionIcon>
      <Over />
      <span className={classes.space} />
      {shown !== null && <span className={classes.shown}>{t('desk.shownIn', { ms: shown.after_ms })}</span>}
    </div>
  );
}

/** What lies over the picture or stays in it: holding picture, names, the chair, slides. */
function Over() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const slides = useDeskState((s) => s.slides);
  const why = useRefusals()('stage.cut');
  const stage = state?.stage;
  const may = state !== null && state.status !== 'ended';
  return (
    <span className={classes.over} role="group" aria-label={t('direction.over')}>
      <Toggle
        icon="hold"
        name="hold"
        keyName="B"
        pressed={stage?.hold != null}
        disabled={state?.status !== 'open'}
        onClick={() => void session.hold()}
        air
      >
        {t('direction.hold')}
      </Toggle>
      <button
        type="button"
        className={classes.more}
        disabled={state?.status !== 'open'}
        onClick={() => session.ask('hold')}
        aria-label={t('direction.holdWords')}
        title={why ?? `${t('direction.holdWords')} (Shift B)`}
        data-testid="hold-words"
      >
        …
      </button>
      <Toggle
        icon="name"
        name="captions"
        keyName="K"
        pressed={stage?.captions.on ?? false}
        disabled={!may}
        onClick={() => void session.toggleCaptions()}
      >
        {t('direction.captions')}
      </Toggle>
      <Toggle
        icon="chair"
        name="pin-chair"
        keyName="⇧C"
        pressed={stage?.chair_pinned ?? false}
        disabled={!may || state.chair_site === null}
        onClick={() => void session.togglePinChair()}
      >
        {t('direction.pinChair')}
      </Toggle>
      <Toggle
        icon="slides"
        name="slides"
        keyName="S"
        pressed={slides}
        disabled={state?.status !== 'open'}
        onClick={() => session.store.setState({ slides: !slides })}
      >
        {t('direction.slides')}
      </Toggle>
    </span>
  );
}

interface ToggleProps {
  icon: IconName;
  name: string;
  keyName: string;
  pressed: boolean;
  disabled: boolean;
  onClick: () => void;
  /** What it switches on is seen by everybody at once. */
  air?: boolean;
  children: ReactNode;
}

function Toggle({ icon, name, keyName, pressed, disabled, onClick, air = false, children }: ToggleProps) {
  return (
    <button
      type="button"
      className={classes.toggle}
      aria-pressed={pressed}
      data-air={air}
      disabled={disabled}
      onClick={onClick}
      data-testid={`toggle-${name}`}
    >
      <Icon name={icon} size={16} />
      <span>{children}</span>
      <kbd className="dc-kbd">{keyName}</kbd>
    </button>
  );
}

const PATHS: Record<LayoutName, string> = {
  one: '',
  two: 'M11 1v12',
  four: 'M11 1v12M1 7h20',
  speaker_chair: 'M14 3h5v4h-5z',
  slides_speaker: 'M15 1v12M15 4h6M15 10h6',
};

/** A small drawing of the layout; the number of slots is in its shape. */
function Drawing({ layout }: { layout: LayoutName }) {
  return (
    <svg
      width="22"
      height="14"
      viewBox="0 0 22 14"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
      data-slots={LAYOUTS[layout]}
    >
      <path d={`M1 1h20v12H1z${PATHS[layout]}`} />
      {layout === 'slides_speaker' && <path d="M4 5h8M4 8h6" />}
    </svg>
  );
}
