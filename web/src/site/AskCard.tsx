import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { isFor } from '../models/receipts';
import { useNow } from '../parts/useNow';
import classes from './ask.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** How long an answer stays in sight after it was stored, ms. */
const SEEN_MS = 4_000;

/** A message of the centre that waits for this site's answer: the oldest, with one large button. */
export function AskCard({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const answered = useStore(session.store, (s) => s.answered);
  const just = useStore(session.store, (s) => s.justAnswered);
  const [busy, setBusy] = useState(false);
  const now = useNow();
  const { state, me } = scene;
  if (state === null || me === null || state.status === 'ended') return null;
  const asked = state.messages.filter((m) => m.ask && isFor(m, me));
  const open = asked.filter((m) => !answered.has(m.id));
  const done =
    just !== null && now - just.at < SEEN_MS ? asked.find((m) => m.id === just.message) : undefined;
  const message = done ?? open[0];
  if (message === undefined) return null;
  const answer = async () => {
    setBusy(true);
    await session.answer(message.id);
    setBusy(false);
  };
  const more = open.length - (done ? 0 : 1);
  return (
    <section className={classes.card} aria-label={t('site.ask.title')} data-testid="ask" data-done={!!done}>
      <div className={classes.words} role="alert">
        <p className={classes.title}>
          {t('site.ask.title')}
          {more > 0 && <span className={classes.more}>{t('site.ask.more', { n: more })}</span>}
        </p>
        <p className={classes.text}>{message.text}</p>
      </div>
      {done ? (
        <p className={classes.done} role="status" data-testid="answered">
          <Icon name="check" size={28} />
          {t('site.ask.done')}
        </p>
      ) : (
        <Button
          size="xl"
          h={72}
          fz={22}
          loading={busy}
          leftSection={<Icon name="check" size={28} />}
          onClick={() => void answer()}
          data-testid="answer"
        >
          {t('site.ask.button')}
        </Button>
      )}
    </section>
  );
}
