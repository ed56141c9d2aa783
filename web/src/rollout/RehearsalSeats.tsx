import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { REHEARSAL_STEPS } from '../models/rehearsal';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import classes from './rehearsals.module.css';
import { rehearsals, type RehearsalSeat, type SeatQuery } from './rehearsalsApi';

/** The sites, failures first, each with cause, owner and phone; the same as a file. */
export function RehearsalSeats({ id, unit }: { id: string; unit: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [only, setOnly] = useState<'all' | 'faults'>('all');
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 250);
  const wanted: SeatQuery = { unit, q, faulty: only === 'faults' ? 'true' : undefined };
  const list = useInfiniteQuery({
    queryKey: ['rehearsal', id, 'seats', wanted],
    queryFn: ({ pageParam, signal }) => rehearsals.seats(id, wanted, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows = list.data?.pages.flatMap((page) => page.seats) ?? [];
  return (
    <section className={classes.block} aria-label={t('rehearsal.board.sites')}>
      <div className={classes.filters}>
        <SegmentedControl
          value={only}
          onChange={setOnly}
          data={[
            { value: 'all', label: t('rehearsal.board.all') },
            { value: 'faults', label: t('rehearsal.board.faults') },
          ]}
        />
        <TextInput
          aria-label={t('rehearsal.board.search')}
          placeholder={t('rehearsal.board.search')}
          leftSection={<Icon name="search" size={16} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <strong role="status">
          {list.data ? t('rehearsal.board.found', { n: formatNumber(list.data.pages[0]?.total ?? 0) }) : ''}
        </strong>
        {(['xlsx', 'csv'] as const).map((kind) => (
          <Button
            key={kind}
            component="a"
            size="compact-sm"
            variant="default"
            href={rehearsals.file(id, kind, wanted)}
          >
            {t(`rehearsal.board.${kind}`)}
          </Button>
        ))}
      </div>
      {list.isError && <p role="alert">{errorText(codeOf(list.error))}</p>}
      {list.data && rows.length === 0 && <p>{t('rehearsal.board.nothing')}</p>}
      {rows.length > 0 && (
        <div className={classes.scroll}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{t('rehearsal.board.site')}</th>
                <th scope="col">{t('rehearsal.board.at')}</th>
                <th scope="col">{t('rehearsal.board.why')}</th>
                <th scope="col">{t('rehearsal.board.owner')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((seat) => (
                <Seat key={seat.site} seat={seat} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('rehearsal.board.more')}
        </Button>
      )}
    </section>
  );
}

function Seat({ seat }: { seat: RehearsalSeat }) {
  const { t, i18n } = useTranslation();
  const cause = seat.cause === null ? '' : i18n.language === 'en' ? seat.cause.en : seat.cause.vi;
  return (
    <tr data-testid="seat" data-site={seat.site} data-at={seat.at} data-cause={seat.cause?.code}>
      <th scope="row">
        {seat.label}
        <small>{seat.path}</small>
      </th>
      <td className={classes.at}>
        <span className={classes.dots} aria-hidden="true">
          {REHEARSAL_STEPS.map((step) => (
            <span key={step} data-done={seat.done[step] !== undefined} />
          ))}
        </span>
        {t(`rehearsal.state.${seat.at}`)}
      </td>
      <td>{cause}</td>
      <td>
        {seat.owner}
        <small>{seat.phones.length > 0 ? seat.phones.join(', ') : t('rehearsal.board.noPhone')}</small>
      </td>
    </tr>
  );
}
