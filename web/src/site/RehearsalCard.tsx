import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { REHEARSAL_STEPS, rehearsalSaid, type RehearsalStep } from '../models/rehearsal';
import type { YouRehearsal } from '../protocol/types';
import classes from './rehearsal.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** Faults after which this site asks for its turn again; the others pass by what they name. */
const AGAIN: ReadonlySet<string> = new Set([
  'not_sent',
  'no_picture',
  'picture_black',
  'picture_frozen',
  'picture_unknown',
  'no_voice',
  'voice_silent',
]);

/** A rehearsal on the site's page: one state at a time, large, four ticks below. */
export function RehearsalCard({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const last = useStore(session.store, (s) => s.rehearsal);
  const now = scene.you?.rehearsal ?? null;
  const said = rehearsalSaid(now, last);
  const told = now ?? last;
  if (said === null || told === null || scene.face === 'away') return null;
  return (
    <section
      className={classes.card}
      aria-label={t('rehearsal.site.label')}
      data-testid="rehearsal"
      data-said={said}
    >
      <div className={classes.words} role="status">
        <p className={classes.title}>
          {said === 'through' && <Icon name="check" size={32} />}
          {t(`rehearsal.site.title.${said}`)}
        </p>
        <Words said={said} told={told} session={session} />
      </div>
      <Action said={said} told={told} session={session} ended={now === null} />
      <ol className={classes.steps}>
        {REHEARSAL_STEPS.map((step) => (
          <Tick key={step} step={step} told={told} />
        ))}
      </ol>
    </section>
  );
}

interface Parts {
  said: NonNullable<ReturnType<typeof rehearsalSaid>>;
  told: YouRehearsal;
  session: SiteSession;
}

function Words({ said, told, session }: Parts) {
  const { t, i18n } = useTranslation();
  const site = useStore(session.store, (s) => s.me?.site?.label ?? '');
  if (said === 'fault' || (said === 'say' && told.fault !== null))
    return <p>{told.fault === null ? '' : i18n.language === 'en' ? told.fault.en : told.fault.vi}</p>;
  const seconds = told.turn?.seconds ?? 0;
  const time =
    seconds < 90
      ? t('rehearsal.site.seconds', { n: formatNumber(Math.max(5, seconds)) })
      : t('rehearsal.site.minutes', { n: formatNumber(Math.round(seconds / 60)) });
  return (
    <p>
      {t(`rehearsal.site.text.${said}`, {
        time,
        site,
        step: told.step === null ? '' : t(`rehearsal.step.${told.step}`),
      })}
    </p>
  );
}

function Action({ said, told, session, ended }: Parts & { ended: boolean }) {
  const { t } = useTranslation();
  const code = told.fault?.code ?? '';
  if (ended)
    return (
      <Button
        size="lg"
        fz={18}
        variant="default"
        onClick={() => session.store.setState({ rehearsal: null })}
        data-testid="rehearsal-close"
      >
        {t('rehearsal.site.close')}
      </Button>
    );
  // The page's own large button is the one for sound; its cards have those for devices.
  if (said !== 'fault' || code === 'not_armed') return null;
  const again = AGAIN.has(code);
  return (
    <Button
      size="lg"
      fz={18}
      onClick={() => {
        if (again) session.rehearsing.again();
        else if (code.startsWith('camera_') || code.startsWith('mic_')) void session.retryDevices();
        else location.reload();
      }}
      data-testid="rehearsal-action"
    >
      {again || code.startsWith('camera_') || code.startsWith('mic_')
        ? t('rehearsal.site.again')
        : t('rehearsal.site.reload')}
    </Button>
  );
}

function Tick({ step, told }: { step: RehearsalStep; told: YouRehearsal }) {
  const { t } = useTranslation();
  const state = told.done.includes(step) ? 'done' : told.step === step ? 'now' : 'todo';
  return (
    <li data-step={step} data-state={state} data-testid={`rehearsal-${step}`}>
      <svg width="28" height="28" viewBox="0 0 24 24" aria-hidden="true">
        <circle
          cx="12"
          cy="12"
          r="10"
          fill={state === 'done' ? 'currentColor' : 'none'}
          stroke="currentColor"
          strokeWidth="2"
          strokeDasharray={state === 'todo' ? '2 3' : undefined}
        />
        {state === 'done' && (
          <path d="M7 12.500l3.500 3.500 6.500-8" fill="none" stroke="var(--dc-ground)" strokeWidth="2.500" />
        )}
        {state === 'now' && <circle cx="12" cy="12" r="4" fill="currentColor" />}
      </svg>
      <span>
        {t(`rehearsal.step.${step}`)}
        <span className={classes.silent}> ({t(`rehearsal.site.${state}`)})</span>
      </span>
    </li>
  );
}
