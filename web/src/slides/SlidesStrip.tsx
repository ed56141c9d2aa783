import { Button, FileButton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useDeskState, useMeetingState } from '../desk/useDesk';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { PRESENTATION } from '../protocol/types';
import type { Deck } from './deck';
import classes from './strip.module.css';
import { useTitled } from './useTitled';

const WIDTH = 112;

/** What is presented, by whom, and for who does it the pages. */
export function SlidesStrip() {
  const { t } = useTranslation();
  const session = useDesk();
  const opened = useDeskState((s) => s.slides);
  const { kind } = useStore(session.presenter.store);
  if (!opened && kind === 'none') return null;
  return (
    <section className={classes.strip} data-region="slides" aria-label={t('direction.slides')}>
      {kind === 'none' ? <Sources /> : <Presenting />}
    </section>
  );
}

function Sources() {
  const { t } = useTranslation();
  const { presenter, command } = useDeskCommands();
  const { busy, trouble, title } = useStore(presenter.store);
  const state = useMeetingState();
  const other = state?.stage.presentation ?? null;
  const errorText = useErrorText();
  const titled = useTitled();
  const running = trouble === 'presentation_running';
  return (
    <div className={classes.row}>
      <FileButton
        accept="application/pdf,.pdf"
        onChange={(file) => {
          if (file !== null) void presenter.open(file);
        }}
        inputProps={{ 'data-testid': 'slides-file' } as object}
      >
        {(props) => (
          <Button {...props} size="compact-md" loading={busy} leftSection={<Icon name="slides" size={16} />}>
            {t('direction.openPdf')}
          </Button>
        )}
      </FileButton>
      <Button
        size="compact-md"
        variant="default"
        disabled={busy}
        leftSection={<Icon name="screen" size={16} />}
        onClick={() => void presenter.share()}
        data-testid="share-screen"
      >
        {t('direction.share')}
      </Button>
      {other !== null && (
        <p className={classes.other} data-testid="presented-by">
          {t('direction.presentedBy', { name: other.name, title: titled(other.title) })}
        </p>
      )}
      {other !== null && <ToPreview />}
      {other !== null && (
        <Button
          size="compact-md"
          variant="default"
          onClick={() => void command('presentation.end', { key: other.key })}
        >
          {t('direction.endPresentation')}
        </Button>
      )}
      {trouble !== null && (
        <p className={classes.trouble} role="alert">
          {errorText(trouble)}{' '}
          {running && (
            <Button size="compact-sm" onClick={() => void presenter.replace()} data-testid="replace-slides">
              {t('direction.replace', { title: titled(title) })}
            </Button>
          )}
        </p>
      )}
      {trouble === null && other === null && <p className={classes.hint}>{t('direction.slidesHint')}</p>}
    </div>
  );
}

function useDeskCommands() {
  const session = useDesk();
  return { presenter: session.presenter, command: session.command.bind(session) };
}

function ToPreview() {
  const { t } = useTranslation();
  const session = useDesk();
  const there = useMeetingState()?.stage.preview.includes(PRESENTATION) ?? false;
  return (
    <Button
      size="compact-md"
      variant="default"
      disabled={there}
      onClick={() => void session.previewSlides()}
      data-testid="slides-to-preview"
    >
      {t('desk.toPreview')}&nbsp;<kbd className="dc-kbd">S</kbd>
    </Button>
  );
}

function Presenting() {
  const { t } = useTranslation();
  const { presenter } = useDesk();
  const { kind, title, page, pages, trouble } = useStore(presenter.store);
  const titled = useTitled();
  const phase = useStore(presenter.publisher.store, (s) => s.phase);
  const errorText = useErrorText();
  return (
    <>
      <div className={classes.row}>
        <b className={classes.title} title={titled(title)}>
          {titled(title)}
        </b>
        <span className={classes.phase} data-phase={phase} role="status" data-testid="slides-phase">
          {t(`direction.sending.${phase}`)}
        </span>
        {kind === 'deck' && (
          <>
            <Button
              size="compact-md"
              variant="default"
              disabled={page <= 1}
              onClick={() => void presenter.previous()}
              aria-label={t('direction.previousPage')}
              title={`${t('direction.previousPage')} (Page Up)`}
              data-testid="slide-previous"
            >
              <Icon name="back" size={16} />
            </Button>
            <span className={classes.page} data-testid="slide-page">
              {t('direction.page', { page: formatNumber(page), pages: formatNumber(pages) })}
            </span>
            <Button
              size="compact-md"
              variant="default"
              disabled={page >= pages}
              onClick={() => void presenter.next()}
              aria-label={t('direction.nextPage')}
              title={`${t('direction.nextPage')} (Page Down)`}
              data-testid="slide-next"
            >
              <Icon name="right" size={16} />
            </Button>
          </>
        )}
        <span className={classes.space} />
        <ToPreview />
        <Button
          size="compact-md"
          variant="default"
          onClick={() => void presenter.close()}
          data-testid="slides-close"
        >
          {t(kind === 'deck' ? 'direction.closeDocument' : 'direction.stopSharing')}
        </Button>
      </div>
      {trouble !== null && (
        <p className={classes.trouble} role="alert">
          {errorText(trouble)}
        </p>
      )}
      {presenter.current !== null && <Pages deck={presenter.current} page={page} />}
    </>
  );
}

/** All pages in a row; only those in sight are drawn. */
function Pages({ deck, page }: { deck: Deck; page: number }) {
  const { t } = useTranslation();
  const { presenter } = useDesk();
  const scroller = useRef<HTMLDivElement>(null);
  const row = useVirtualizer({
    horizontal: true,
    count: deck.pages,
    getScrollElement: () => scroller.current,
    estimateSize: () => WIDTH + 6,
    overscan: 3,
  });
  useEffect(() => {
    row.scrollToIndex(page - 1, { align: 'auto' });
  }, [row, page]);
  return (
    <div ref={scroller} className={classes.pages} role="group" aria-label={t('direction.pages')}>
      <div style={{ width: row.getTotalSize(), height: '100%', position: 'relative' }}>
        {row.getVirtualItems().map((item) => (
          <button
            key={item.key}
            type="button"
            className={classes.thumb}
            aria-pressed={item.index + 1 === page}
            aria-label={t('direction.goToPage', { page: item.index + 1 })}
            style={{ transform: `translateX(${item.start}px)`, width: WIDTH }}
            onClick={() => void presenter.go(item.index + 1)}
            data-testid={`slide-thumb-${item.index + 1}`}
          >
            <Thumb deck={deck} page={item.index + 1} />
            <span>{item.index + 1}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

function Thumb({ deck, page }: { deck: Deck; page: number }) {
  const place = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let gone = false;
    deck.thumbnail(page).then(
      (drawn) => {
        if (!gone) place.current?.replaceChildren(drawn);
      },
      () => {
        if (!gone) setFailed(true);
      },
    );
    return () => {
      gone = true;
    };
  }, [deck, page]);
  return <span ref={place} className={classes.drawn} data-failed={failed} aria-hidden="true" />;
}
