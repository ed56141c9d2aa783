import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { formatExact, formatMinute } from '../i18n/format';
import { isFor } from '../models/receipts';
import classes from './messages.module.css';
import type { SiteSession } from './session';
import type { SiteScene } from './useSite';

/** Text to and from the centre. */
export function Messages({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const answered = useStore(session.store, (s) => s.answered);
  const list = useRef<HTMLOListElement>(null);
  const messages = scene.state?.messages ?? [];
  const count = messages.length;
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [count]);
  const send = async () => {
    const wanted = text.trim();
    if (wanted !== '' && (await session.command('message.post', { text: wanted, to: 'desk' }))) setText('');
  };
  return (
    <section className={classes.messages} aria-label={t('site.messages')}>
      <h2>{t('site.messages')}</h2>
      {count === 0 ? (
        <p className={classes.none}>{t('site.noMessages')}</p>
      ) : (
        // Long lists scroll: they have to be reachable by keyboard.
        <ol
          className={classes.list}
          ref={list}
          tabIndex={0}
          aria-label={t('site.messages')}
          aria-live="polite"
        >
          {messages.map((m) => (
            <li key={m.id} data-own={m.from.id === scene.me}>
              <span className={classes.from}>
                {m.from.kind === 'person'
                  ? t('site.desk')
                  : m.from.id === scene.me
                    ? t('site.you')
                    : m.from.name}
                <time dateTime={m.at} title={formatExact(Date.parse(m.at))}>
                  {formatMinute(Date.parse(m.at))}
                </time>
              </span>
              {m.text}
              {m.ask && scene.me !== null && isFor(m, scene.me) && (
                <span className={classes.ask} data-answered={answered.has(m.id)}>
                  {answered.has(m.id) && <Icon name="check" />}
                  {t(answered.has(m.id) ? 'site.ask.done' : 'site.ask.open')}
                </span>
              )}
            </li>
          ))}
        </ol>
      )}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <TextInput
          aria-label={t('site.toDesk')}
          placeholder={t('site.toDesk')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          maxLength={2000}
          disabled={scene.state === null}
          size="md"
        />
        <Button
          type="submit"
          size="md"
          variant="default"
          disabled={text.trim() === ''}
          aria-label={t('site.send')}
        >
          <Icon name="send" />
        </Button>
      </form>
    </section>
  );
}
