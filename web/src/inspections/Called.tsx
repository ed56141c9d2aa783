import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Where } from '../many/CalledOut';
import type { SiteSession } from '../site/session';
import type { SiteScene } from '../site/useSite';
import classes from './called.module.css';

interface Person {
  name: string;
  title: string | null;
}

/** Name and title, as people write them. */
const said = (person: Person, nobody: string): string =>
  person.name === '' ? nobody : [person.title, person.name].filter(Boolean).join(' ');

/** The centre calls: the whole page says so, with one button. */
export function Ringing({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState<string | null>(null);
  const call = scene.you?.call ?? null;
  if (call?.state !== 'ringing') return null;
  const answer = async () => {
    setBusy(call.id);
    await session.answerCall(call.id);
    setBusy(null);
  };
  return (
    <section className={classes.ringing} role="alertdialog" aria-labelledby="ringing" data-testid="ringing">
      <svg className={classes.bell} viewBox="0 0 96 96" aria-hidden="true">
        <path d="M20 52a28 28 0 0 1 56 0M34 56a14 14 0 0 1 28 0M6 44a44 44 0 0 1 84 0" />
        <circle cx="48" cy="66" r="7" />
      </svg>
      <h2 id="ringing">{t('inspections.site.calling')}</h2>
      <p className={classes.by}>
        {t('inspections.site.by', { name: said(call.by, t('inspections.site.someone')) })}
      </p>
      <Where call={call} />
      <Button
        size="xl"
        h={96}
        miw={320}
        fz={28}
        autoFocus
        loading={busy === call.id}
        leftSection={<Icon name="camera" size={36} />}
        onClick={() => void answer()}
        data-testid="answer-call"
      >
        {t('inspections.site.answer')}
      </Button>
      <p>{t(scene.armed ? 'inspections.site.answerHint' : 'inspections.site.armed')}</p>
    </section>
  );
}

/** While somebody has this room's picture before him: who. It stays as long as he looks. */
export function Seen({ scene }: { scene: SiteScene }) {
  const { t } = useTranslation();
  const { you } = scene;
  const call = you?.call ?? null;
  const seen = you?.seen ?? [];
  const nobody = t('inspections.site.someone');
  const names = [...new Set(seen.map((person) => said(person, nobody)))];
  if (names.length === 0 && call !== null && call.state !== 'ringing') {
    const word = call.state === 'warm' ? 'warm' : 'connecting';
    if (call.state === 'live') names.push(said(call.by, nobody));
    else
      return (
        <p className={classes.seen} role="status" data-testid="seen" data-state={call.state}>
          <Icon name="camera" size={20} />
          {t(`inspections.site.${word}`)}
        </p>
      );
  }
  if (names.length === 0) return null;
  return (
    <p className={classes.seen} role="status" data-testid="seen" data-state="seen">
      <Icon name="camera" size={20} />
      <span>
        {t('inspections.site.seenBy')}: <strong>{names.join(', ')}</strong>
      </span>
    </p>
  );
}
