import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { MicMark } from '../design/marks';
import type { SiteSession } from './session';
import classes from './unmuteask.module.css';
import type { SiteScene } from './useSite';

/** The centre asks this site to turn its microphone on: across the page, ringing, until it is answered. */
export function UnmuteAsk({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const { state, me } = scene;
  const asked = state?.floor.speakers.find((s) => s.site === me)?.asked ?? null;
  if (asked?.answer !== null) return null;
  const answer = async (yes: boolean) => {
    setBusy(true);
    await (yes ? session.acceptUnmute() : session.command('mic.answer', { yes: false }));
    setBusy(false);
  };
  return (
    <section
      className={classes.ask}
      role="alertdialog"
      aria-labelledby="unmute-title"
      aria-describedby="unmute-text"
      data-testid="unmute-asked"
    >
      <MicMark mic="open" size={64} silent plain />
      <div className={classes.words}>
        <p id="unmute-title" className={classes.title}>
          {t('floor.ask.title')}
        </p>
        <p id="unmute-text" className={classes.text}>
          {t('floor.ask.text')}
        </p>
      </div>
      <Button
        size="xl"
        h={88}
        fz={24}
        autoFocus
        loading={busy}
        leftSection={<MicMark mic="open" size={32} silent plain />}
        onClick={() => void answer(true)}
        data-testid="unmute-yes"
      >
        {t('floor.ask.yes')}
      </Button>
      <Button
        size="lg"
        h={88}
        variant="default"
        disabled={busy}
        onClick={() => void answer(false)}
        data-testid="unmute-no"
      >
        {t('floor.ask.no')}
      </Button>
    </section>
  );
}
