import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Prefs } from '../parts/Prefs';
import classes from './door.module.css';

/** The frame of the two doors: one heading, one form, one way to the other door. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className={classes.page}>
      <header className={classes.top}>
        <span className={classes.brand}>
          <img src="/favicon.svg" alt="" />
          {t('app.name')}
        </span>
        <Prefs large />
      </header>
      <main className={classes.card}>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}

export function DoorError({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p className={classes.error} role="alert">
      <Icon name="warning" />
      <span>{text}</span>
    </p>
  );
}
