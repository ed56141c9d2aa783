import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { formatExact, formatNumber } from '../i18n/format';
import { answeredAfter } from '../models/calls';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import type { CallState } from '../protocol/types';
import { inspections } from './api';
import { CallMark } from './CallMark';
import classes from './page.module.css';

/** Every call, newest first. */
export function HistoryTab({ onOpen }: { onOpen: (inspection: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const list = useInfiniteQuery({
    queryKey: ['inspections'],
    queryFn: ({ pageParam, signal }) => inspections.list({ after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = list.data?.pages.flatMap((page) => page.inspections) ?? [];
  return (
    <>
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      {list.isPending && <p role="status">{t('app.loading')}</p>}
      {list.data && rows.length === 0 && <p>{t('inspections.nothing')}</p>}
      {rows.length > 0 && (
        <div className={classes.scroll}>
          <table className={classes.table} data-testid="history">
            <thead>
              <tr>
                {(['at', 'site', 'by', 'outcome', 'people', 'findings'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(`inspections.col.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const after = answeredAfter(row);
                return (
                  <tr key={row.id} data-testid="inspection">
                    <td>{formatExact(Date.parse(row.at))}</td>
                    <th scope="row">
                      <button type="button" onClick={() => onOpen(row.id)}>
                        {row.label}
                      </button>
                      <small>{row.path}</small>
                    </th>
                    <td>
                      {row.by.name}
                      <small>{row.by.title}</small>
                    </td>
                    <td>
                      <span className={classes.mark}>
                        <CallMark state={row.state as CallState} />
                        {t(`inspections.state.${row.state as CallState}`)}
                      </span>
                      <small>
                        {row.answer === 'auto'
                          ? t('inspections.byItself')
                          : after === null
                            ? t('inspections.rings')
                            : t('inspections.answeredAfter', { seconds: after })}
                      </small>
                    </td>
                    <td>
                      {row.people.map((p) => [p.title, p.name].filter(Boolean).join(' ')).join(', ') || '–'}
                    </td>
                    <td className={classes.number}>
                      {formatNumber(row.findings_open)}/{formatNumber(row.findings_made)}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('inspections.more')}
        </Button>
      )}
    </>
  );
}
