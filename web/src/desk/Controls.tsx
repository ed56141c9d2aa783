import { ActionIcon, Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import classes from './controls.module.css';
import { useDesk, useLiveMeeting, useMeetingState, useNames } from './useDesk';

/** The strip between the pictures and the wall: cut, undo, layouts. */
export function Controls() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const shown = useLiveMeeting((s) => s.lastShown);
  const preview = state?.stage.preview ?? [];
  const before = (state?.stage.before ?? []).filter((s) => s !== null);
  const ready = preview.some((s) => s !== null) && state?.status === 'open';
  return (
    <div className={classes.strip} data-region="controls" role="toolbar" aria-label={t('desk.header')}>
      <Button
        className={classes.cut}
        disabled={!ready}
        onClick={() => void session.cut()}
        title={t('desk.cutHint')}
        data-testid="cut"
      >
        {t('desk.cut')} <kbd className="dc-kbd">Enter</kbd>
      </Button>
      <Button
        variant="default"
        disabled={before.length === 0 || state?.status !== 'open'}
        onClick={() => void session.undo()}
        title={t('desk.undoHint')}
        leftSection={<Icon name="undo" size={16} />}
        className={classes.undo}
        data-testid="undo"
      >
        <span className={classes.undoText}>
          {t('desk.undo')}
          {before.length > 0 && `: ${before.map((s) => names(s).title).join(' + ')}`}
        </span>
        <kbd className="dc-kbd">Z</kbd>
      </Button>
      <span className={classes.layouts} role="group" aria-label={t('desk.layout')}>
        <span className={classes.word} aria-hidden="true">
          {t('desk.layout')}
        </span>
        {([1, 2, 4] as const).map((size) => (
          <button
            key={size}
            type="button"
            aria-pressed={preview.length === size}
            aria-label={t('desk.layoutN', { count: size })}
            disabled={state?.status !== 'open'}
            onClick={() => void session.layout(size)}
            data-testid={`layout-${size}`}
          >
            <Layout size={size} />
            {size}
          </button>
        ))}
      </span>
      <ActionIcon
        variant="default"
        size={32}
        disabled={!ready}
        onClick={() => void session.clearPreview()}
        aria-label={t('desk.clearPreview')}
        title={t('desk.clearPreview')}
        data-testid="clear-preview"
      >
        <Icon name="close" size={16} />
      </ActionIcon>
      <span className={classes.space} />
      {shown !== null && <span className={classes.shown}>{t('desk.shownIn', { ms: shown.after_ms })}</span>}
    </div>
  );
}

function Layout({ size }: { size: 1 | 2 | 4 }) {
  return (
    <svg
      width="20"
      height="14"
      viewBox="0 0 20 14"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
    >
      <path d={`M1 1h18v12H1z${size > 1 ? 'M10 1v12' : ''}${size === 4 ? 'M1 7h18' : ''}`} />
    </svg>
  );
}
