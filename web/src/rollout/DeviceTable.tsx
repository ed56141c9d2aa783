import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { formatDay, formatMinute } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { devices, revoke, type DeviceRow } from './sheetsApi';
import classes from './sheets.module.css';

const at = (time: string) => `${formatDay(Date.parse(time))} ${formatMinute(Date.parse(time))}`;

interface Props {
  unit: string;
  /** A new sheet for one site. */
  onAgain: (site: string) => void;
}

/** Every site of the unit with its sheet and its machine, and what can be done about them. */
export function DeviceTable({ unit, onAgain }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 200);
  const [failed, setFailed] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['sheets-devices', unit, asked],
    queryFn: ({ pageParam, signal }) => devices(unit, asked, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: 10_000,
  });
  const put = async (row: DeviceRow, device: boolean) => {
    if (!confirm(t(device ? 'sheets.deviceSure' : 'sheets.revokeSure', { site: row.label }))) return;
    try {
      await revoke(row.site, device);
      setFailed(null);
    } catch (error) {
      setFailed(codeOf(error));
    }
    await queries.invalidateQueries({ queryKey: ['sheets-devices'] });
  };
  const rows = list.data?.pages.flatMap((page) => page.devices) ?? [];
  const error = failed ?? (list.isError ? codeOf(list.error) : null);
  return (
    <section>
      <div className={classes.listHead}>
        <h2>{t('sheets.list')}</h2>
        <TextInput
          aria-label={t('sheets.search')}
          placeholder={t('sheets.search')}
          leftSection={<Icon name="search" size={16} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      {error !== null && <p role="alert">{errorText(error)}</p>}
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t('sheets.site')}</th>
            <th scope="col">{t('sheets.state')}</th>
            <th scope="col">{t('sheets.actions')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.site} data-testid="sheets-row">
              <th scope="row">
                {row.label}
                <small className={classes.path}>{row.path}</small>
              </th>
              <td>
                <State row={row} />
              </td>
              <td className={classes.actions}>
                <Button size="compact-sm" variant="default" onClick={() => onAgain(row.site)}>
                  {t('sheets.again')}
                </Button>
                {row.code_until !== null && (
                  <Button size="compact-sm" variant="default" onClick={() => void put(row, false)}>
                    {t('sheets.revoke')}
                  </Button>
                )}
                {row.activated_at !== null && (
                  <Button size="compact-sm" variant="default" onClick={() => void put(row, true)}>
                    {t('sheets.revokeDevice')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('sheets.more')}
        </Button>
      )}
    </section>
  );
}

function State({ row }: { row: DeviceRow }) {
  const { t } = useTranslation();
  return (
    <>
      {row.activated_at !== null && (
        <span className={classes.mark} data-mark="active">
          <Icon name="check" size={16} />
          {t('sheets.isActive', { time: at(row.activated_at) })}
        </span>
      )}
      {row.code_until !== null && (
        <span className={classes.mark} data-mark="waiting">
          <Icon name="send" size={16} />
          {t('sheets.isWaiting', { time: at(row.code_until) })}
        </span>
      )}
      {row.activated_at === null && row.code_until === null && (
        <span className={classes.mark} data-mark="without">
          <Icon name="close" size={16} />
          {t('sheets.isWithout')}
        </span>
      )}
      {row.conflict_at !== null && (
        <span className={classes.mark} data-mark="conflict">
          <Icon name="warning" size={16} />
          {t('sheets.isConflict', { time: at(row.conflict_at) })}
        </span>
      )}
      {row.page_hidden && (
        <span className={classes.mark} data-mark="conflict">
          <Icon name="warning" size={16} />
          {t('sheets.isHidden')}
        </span>
      )}
      {row.slept_at !== null && (
        <span className={classes.mark} data-mark="conflict">
          <Icon name="warning" size={16} />
          {t('sheets.hasSlept', { time: at(row.slept_at) })}
        </span>
      )}
    </>
  );
}
