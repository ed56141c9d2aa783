import { Button } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { formatExact, formatNumber } from '../i18n/format';
import { daysOf } from '../models/asked';
import { answeredAfter } from '../models/calls';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import type { CallState } from '../protocol/types';
import { inspections } from './api';
import { CallMark } from './CallMark';
import { FilterBar } from './FilterBar';
import { todayIn } from './FindingMarks';
import { Found } from './Found';
import classes from './page.module.css';
import { useAsked } from './useAsked';

/** Every call, newest first. */
export function HistoryTab({ onOpen }: { onOpen: (inspection: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const today = todayIn(useNow());
  const [asked, ask] = useAsked();
  const narrowed = { unit: asked.unit, text: asked.text, ...daysOf(asked, today) };
  const list = useInfiniteQuery({
    queryKey: ['inspections', narrowed],
    queryFn: ({ pageParam, signal }) => inspections.list(narrowed, pageParam, signal),
    placeholderData: keepPreviousData,
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = list.data?.pages.flatMap((page) => page.inspections) ?? [];
  return (
    <>
      <FilterBar asked={asked} today={today} onAsk={ask} />
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      <Found
        total={list.data?.pages[0]?.total ?? null}
        what="calls"
        asked={asked}
        pending={list.isPending}
        onAsk={ask}
      />
      {rows.length > 0 && (
        <div className={classes.scroll} aria-busy={list.isPlaceholderData}>
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
