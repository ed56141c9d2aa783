import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatExact, formatMinute, formatNumber } from '../i18n/format';
import type { Message } from '../protocol/types';
import classes from './messages.module.css';
import { ReceiptsDialog } from './ReceiptsDialog';
import { useGate } from './useGate';
import { useDesk, useDeskState, useLiveMeeting, useMeetingState, useNames } from './useDesk';

/** Text with everyone, the centre, or the site that is chosen. */
export function Messages() {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const names = useNames();
  const gate = useGate();
  const selected = useDeskState((s) => (s.selected?.kind === 'site' ? s.selected.id : null));
  const [to, setTo] = useState('all');
  const [text, setText] = useState('');
  const [ask, setAsk] = useState(false);
  const [opened, setOpened] = useState<Message | null>(null);
  const messages = state?.messages ?? [];
  const count = messages.length;
  const called = (who: string) =>
    who === 'all' ? t('desk.toAll') : who === 'desk' ? t('desk.toDesk') : names(who).title;
  const send = async () => {
    const wanted = text.trim();
    if (wanted === '') return;
    const args = { text: wanted, to, ...(ask && to !== 'desk' ? { ask } : {}) };
    if (!(await session.command('message.post', args))) return;
    setText('');
    // Asking everybody is never left switched on by mistake.
    setAsk(false);
  };
  const choices = [
    'all',
    'desk',
    ...new Set([to, selected].filter((s) => s !== null && s !== 'all' && s !== 'desk')),
  ];
  return (
    <section className={classes.messages} data-region="messages" aria-label={t('desk.messages')}>
      <h2>{t('desk.messages')}</h2>
      {count === 0 ? (
        <p className={classes.none}>{t('desk.noMessages')}</p>
      ) : (
        <div className={classes.scroll} tabIndex={0} role="log" aria-label={t('desk.messages')}>
          <ol>
            {messages.map((m) => (
              <li key={m.id}>
                <span className={classes.from}>
                  <b>{m.from.kind === 'site' ? names(m.from.id).title : m.from.name}</b> → {called(m.to)}
                  <time dateTime={m.at} title={formatExact(Date.parse(m.at))}>
                    {formatMinute(Date.parse(m.at))}
                  </time>
                </span>
                {m.text}
                <Receipts message={m} onOpen={() => setOpened(m)} />
              </li>
            ))}
          </ol>
        </div>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Select
          size="xs"
          {...gate('message.post')}
          aria-label={t('desk.to')}
          data={choices.map((value) => ({ value: value ?? '', label: called(value ?? '') }))}
          value={to}
          onChange={(value) => setTo(value ?? 'all')}
        />
        <TextInput
          size="xs"
          {...gate('message.post')}
          aria-label={t('desk.write')}
          placeholder={t('desk.write')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          maxLength={2000}
          data-testid="message-text"
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          {...gate('message.post', undefined, text.trim() === '')}
          aria-label={t('desk.send')}
        >
          <Icon name="send" size={16} />
        </Button>
        <Checkbox
          className={classes.ask ?? ''}
          size="xs"
          label={t('desk.ask')}
          checked={ask && to !== 'desk'}
          {...gate('message.post', undefined, to === 'desk')}
          onChange={(event) => setAsk(event.currentTarget.checked)}
          data-testid="message-ask"
        />
      </form>
      {opened !== null && <ReceiptsDialog message={opened} onClose={() => setOpened(null)} />}
    </section>
  );
}

/** How many have a message, live; the figure opens who has not. */
function Receipts({ message, onOpen }: { message: Message; onOpen: () => void }) {
  const { t } = useTranslation();
  const figures = useLiveMeeting((s) => s.receipts[message.id]);
  if (!figures) return null;
  const { got, answered, of } = figures;
  const received = t('desk.receipts.got', { got: formatNumber(got), of: formatNumber(of) });
  const replied = message.ask ? ` · ${t('desk.receipts.answered', { n: formatNumber(answered) })}` : '';
  return (
    <button
      type="button"
      className={classes.receipts}
      title={t('desk.countedHint')}
      data-full={(message.ask ? answered : got) === of}
      data-testid={`receipts-${message.id}`}
      onClick={onOpen}
    >
      {received + replied}
    </button>
  );
}
