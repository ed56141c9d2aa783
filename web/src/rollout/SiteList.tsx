import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { http } from '../http';
import { formatExact, formatNumber, relativeAge } from '../i18n/format';
import { vi } from '../i18n/vi';
import { STATES } from '../models/readiness';
import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import { codeOf } from '../protocol/failure';
import type { ReadinessCause, ReadinessQuery, ReadinessRow, ReadinessState } from '../protocol/types';
import classes from './readiness.module.css';
import { Phones } from './Phones';
import { StateMark } from './StateMark';

export interface ListFilter {
  state?: ReadinessState | undefined;
  cause?: ReadinessCause | undefined;
  carrier?: string | undefined;
  q?: string | undefined;
}

const PAGE = 100;
const POLL_MS = 5_000;
const CAUSES = Object.keys(vi.readiness.cause) as ReadinessCause[];
/** What a Select holds for "any": it takes no null. */
const ANY = '*';

/** The sites that fit, each with cause, owner and phone; the same as a file. */
export function SiteList({
  unit,
  filter,
  carriers,
  rehearsal,
  onFilter,
  wave,
  missing,
  actions,
}: {
  /** None: with a wave, where it lies. */
  unit?: string;
  filter: ListFilter;
  carriers: readonly (string | null)[];
  rehearsal: boolean;
  onFilter: (filter: ListFilter) => void;
  /** Only the sites of this wave. */
  wave?: string;
  /** Only those that are not ready. */
  missing?: boolean;
  /** What can be done with a site, beside its phones. */
  actions?: (row: ReadinessRow) => React.ReactNode;
}) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const query: ReadinessQuery = { unit, wave, missing: missing === true ? true : undefined, ...filter };
  const list = useInfiniteQuery({
    queryKey: ['readiness-rows', query],
    queryFn: ({ pageParam, signal }) =>
      http.readinessRows({ ...query, limit: PAGE, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: POLL_MS,
    placeholderData: keepPreviousData,
  });
  const search = useDebouncedCallback((q: string) => onFilter({ ...filter, q: q || undefined }), 250);
  const rows = list.data?.pages.flatMap((page) => page.rows) ?? [];
  const pick = (key: 'state' | 'cause' | 'carrier') => (value: string | null) =>
    onFilter({ ...filter, [key]: value === ANY || value === null ? undefined : value });
  return (
    <>
      <div className={classes.filters}>
        <TextInput
          aria-label={t('readiness.search')}
          placeholder={t('readiness.search')}
          leftSection={<Icon name="search" size={16} />}
          defaultValue={filter.q ?? ''}
          onChange={(event) => search(event.currentTarget.value)}
          data-testid="list-search"
        />
        <Select
          aria-label={t('readiness.state')}
          value={filter.state ?? ANY}
          onChange={pick('state')}
          data={[
            { value: ANY, label: t('readiness.anyState') },
            ...STATES.filter((s) => s !== 'rehearsed' || rehearsal).map((s) => ({
              value: s,
              label: t(`readiness.step.${s}`),
            })),
          ]}
        />
        <Select
          aria-label={t('readiness.causes')}
          value={filter.cause ?? ANY}
          onChange={pick('cause')}
          data={[
            { value: ANY, label: t('readiness.anyCause') },
            ...CAUSES.filter((c) => c !== 'not_rehearsed' || rehearsal).map((c) => ({
              value: c,
              label: t(`readiness.cause.${c}`),
            })),
          ]}
        />
        <Select
          aria-label={t('readiness.carrier')}
          value={filter.carrier ?? ANY}
          onChange={pick('carrier')}
          data={[
            { value: ANY, label: t('readiness.anyCarrier') },
            ...carriers.map((c) => ({ value: c ?? '', label: c ?? t('readiness.noCarrier') })),
          ]}
        />
      </div>
      <div className={classes.found}>
        <strong role="status" data-testid="list-total">
          {list.data ? t('readiness.found', { n: formatNumber(list.data.pages[0]?.total ?? 0) }) : ''}
        </strong>
        <Button
          component="a"
          className={classes.file}
          size="compact-sm"
          variant="default"
          href={http.readinessFile('xlsx', query)}
        >
          {t('readiness.exportXlsx')}
        </Button>
        <Button
          component="a"
          className={classes.file}
          size="compact-sm"
          variant="default"
          href={http.readinessFile('csv', query)}
        >
          {t('readiness.exportCsv')}
        </Button>
      </div>
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      {list.data && rows.length === 0 && <p>{t('readiness.nothing')}</p>}
      {rows.length > 0 && <Rows rows={rows} actions={actions} />}
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('readiness.more')}
        </Button>
      )}
    </>
  );
}

type Actions = ((row: ReadinessRow) => React.ReactNode) | undefined;

function Rows({ rows, actions }: { rows: readonly ReadinessRow[]; actions: Actions }) {
  const { t } = useTranslation();
  return (
    <div className={classes.scroll}>
      <table className={classes.list} data-testid="site-list">
        <thead>
          <tr>
            <th scope="col">{t('readiness.site')}</th>
            <th scope="col">{t('readiness.state')}</th>
            <th scope="col">{t('readiness.why')}</th>
            <th scope="col">{t('readiness.owner')}</th>
            <th scope="col">{t('readiness.seen')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <SiteRow key={row.site} row={row} actions={actions} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SiteRow({ row, actions }: { row: ReadinessRow; actions: Actions }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const faults = row.findings.filter((f) => f.fault);
  const said = (f: { vi: string; en: string }) => (i18n.language === 'en' ? f.en : f.vi);
  const seen = row.seen_at === null ? null : Date.parse(row.seen_at);
  return (
    <tr data-site={row.site} data-state={row.state} data-testid="site-row">
      <th scope="row">
        {row.label}
        <small>
          {row.path}
          {row.carrier === null ? '' : ` · ${row.carrier}`}
        </small>
      </th>
      <td>
        <StateMark state={row.state} />
      </td>
      <td>
        {row.cause !== null && (
          <>
            {t(`readiness.cause.${row.cause}`)}
            <small>
              {row.cause === 'test_failed' && faults.length > 0
                ? faults.map(said).join(' ')
                : row.cause === 'not_rehearsed' && row.rehearsal !== null
                  ? said(row.rehearsal)
                  : t(`readiness.todo.${row.cause}`)}
            </small>
          </>
        )}
      </td>
      <td>
        {row.owner}
        <small>
          <Phones numbers={row.phones} />
        </small>
        {actions?.(row)}
      </td>
      <td>
        {row.connected ? (
          t('readiness.connected')
        ) : seen === null ? (
          t('readiness.neverSeen')
        ) : (
          <span title={formatExact(seen)}>{relativeAge(t, now - seen)}</span>
        )}
      </td>
    </tr>
  );
}
