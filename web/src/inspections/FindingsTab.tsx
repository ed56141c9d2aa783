import { Button, SegmentedControl } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { formatDay } from '../i18n/format';
import { daysOf, STANDINGS } from '../models/asked';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import { inspections } from './api';
import { Found } from './Found';
import { FilterBar } from './FilterBar';
import { dueDay, FindingState, SeverityMark, todayIn } from './FindingMarks';
import classes from './page.module.css';
import { useAsked } from './useAsked';

/** What was found and is not done, first. */
export function FindingsTab({ onOpen }: { onOpen: (inspection: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const today = todayIn(useNow());
  const [asked, ask] = useAsked();
  const { standing } = asked;
  const narrowed = { unit: asked.unit, text: asked.text, ...daysOf(asked, today) };
  const list = useInfiniteQuery({
    queryKey: ['findings', narrowed, standing],
    queryFn: ({ pageParam, signal }) => inspections.findings(narrowed, standing, pageParam, signal),
    placeholderData: keepPreviousData,
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = list.data?.pages.flatMap((page) => page.findings) ?? [];
  return (
    <>
      <FilterBar asked={asked} today={today} onAsk={ask}>
        <SegmentedControl
          aria-label={t('inspections.col.state')}
          value={standing}
          onChange={(value) => ask({ standing: value })}
          data={STANDINGS.map((value) => ({ value, label: t(`inspections.filter.${value}`) }))}
        />
      </FilterBar>
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      <Found
        total={list.data?.pages[0]?.total ?? null}
        what="findings"
        asked={asked}
        pending={list.isPending}
        onAsk={ask}
      >
        <Button
          component="a"
          size="compact-sm"
          variant="default"
          href={inspections.findingsFile(narrowed, standing)}
          data-testid="findings-file"
        >
          {t('inspections.exportXlsx')}
        </Button>
      </Found>
      {rows.length > 0 && (
        <div className={classes.scroll} aria-busy={list.isPlaceholderData}>
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
