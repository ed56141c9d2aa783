import { Button, SegmentedControl } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatDay } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import { inspections, type FindingFilter } from './api';
import { dueDay, FindingState, SeverityMark, todayIn } from './FindingMarks';
import classes from './page.module.css';

const FILTERS: readonly FindingFilter[] = ['open', 'overdue', 'all'];

/** What was found and is not done, first. */
export function FindingsTab({ onOpen }: { onOpen: (inspection: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const today = todayIn(useNow());
  const [filter, setFilter] = useState<FindingFilter>('open');
  const list = useInfiniteQuery({
    queryKey: ['findings', filter],
    queryFn: ({ pageParam, signal }) => inspections.findings({ filter, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = list.data?.pages.flatMap((page) => page.findings) ?? [];
  return (
    <>
      <div className={classes.bar}>
        <SegmentedControl
          value={filter}
          onChange={setFilter}
          data={FILTERS.map((value) => ({ value, label: t(`inspections.filter.${value}`) }))}
        />
        <Button component="a" size="compact-sm" variant="default" href={inspections.findingsFile(filter)}>
          {t('inspections.exportXlsx')}
        </Button>
      </div>
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      {list.isPending && <p role="status">{t('app.loading')}</p>}
      {list.data && rows.length === 0 && <p>{t('inspections.nothing')}</p>}
      {rows.length > 0 && (
        <div className={classes.scroll}>
          <table className={classes.table} data-testid="findings">
            <thead>
              <tr>
                {(['site', 'text', 'severity', 'owner', 'due', 'state', 'at'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(`inspections.col.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((finding) => (
                <tr key={finding.id} data-testid="finding">
                  <th scope="row">
                    <button type="button" onClick={() => onOpen(finding.inspection)}>
                      {finding.label}
                    </button>
                    <small>{finding.path}</small>
                  </th>
                  <td className={classes.text}>{finding.text}</td>
                  <td>
                    <SeverityMark severity={finding.severity} />
                  </td>
                  <td>{finding.owner || '–'}</td>
                  <td>{finding.due === null ? '–' : dueDay(finding.due)}</td>
                  <td>
                    <FindingState finding={finding} today={today} />
                  </td>
                  <td>{formatDay(Date.parse(finding.at))}</td>
                </tr>
              ))}
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
