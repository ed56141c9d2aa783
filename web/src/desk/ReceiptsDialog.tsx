import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import type { SiteNode } from '../models/roster';
import type { Message } from '../protocol/types';
import { CountedDialog } from './CountedDialog';
import { useDesk, useRosterVersion } from './useDesk';

/** The list is read again this often while it is open, ms: the figure beside the message is live. */
const AGAIN_MS = 5_000;
const NONE: readonly string[] = [];

/** Who has not got a message, and who has not answered one that asks. */
export function ReceiptsDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const version = useRosterVersion();
  const { data, isError } = useQuery({
    queryKey: ['receipts', session.meeting, message.id],
    queryFn: ({ signal }) => session.receipts(message.id, signal),
    refetchInterval: AGAIN_MS,
  });
  const missing = data?.missing ?? NONE;
  const unanswered = data?.unanswered ?? NONE;
  const lists = useMemo(
    () => ({ missing: session.roster.named(missing), unanswered: session.roster.named(unanswered) }),
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [session, version, missing, unanswered],
  );
  const waiting = isError ? t('desk.receipts.failed') : t('app.loading');
  const side = (value: 'missing' | 'unanswered', sites: readonly SiteNode[], count: number, ids: number) => ({
    value,
    label: t(`desk.receipts.${value}`, { n: data ? formatNumber(count) : '…' }),
    sites,
    empty: data ? t(`desk.receipts.none.${value}`) : waiting,
    ...(ids < count ? { note: t('desk.receipts.first', { n: formatNumber(ids) }) } : {}),
  });
  const of = data?.of ?? 0;
  const sides = [side('missing', lists.missing, of - (data?.got ?? 0), missing.length)];
  if (message.ask)
    sides.unshift(side('unanswered', lists.unanswered, of - (data?.answered ?? 0), unanswered.length));
  return (
    <CountedDialog
      title={t('desk.receipts.title')}
      label={t('desk.receipts.title')}
      sides={sides}
      onClose={onClose}
    />
  );
}
