import { Button } from '@mantine/core';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { Icon } from '../design/icons';
import { formatExact, formatMinute, formatNumber } from '../i18n/format';
import { REHEARSAL_STEPS } from '../models/rehearsal';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import { RehearsalSeats } from './RehearsalSeats';
import classes from './rehearsals.module.css';
import { rehearsals, useRehearsalNews, type RehearsalBoardAnswer, type RehearsalUnit } from './rehearsalsApi';

/** One rehearsal, live: how many passed which step, unit by unit; the sites, failures first. */
export function RehearsalBoard({ id }: { id: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [params, setParams] = useSearchParams();
  const unit = params.get('don-vi');
  const board = useQuery({
    queryKey: ['rehearsal', id, 'board', unit],
    queryFn: ({ signal }) => rehearsals.board(id, unit, signal),
    placeholderData: keepPreviousData,
  });
  const data = board.data;
  const held = data !== undefined && data.rehearsal.status !== 'ended';
  const link = useRehearsalNews(held ? data.rehearsal.meeting : null, id);
  const open = (code: string) => setParams({ dot: id, 'don-vi': code });
  return (
    <div className={classes.page} data-testid="rehearsal-board" data-status={data?.rehearsal.status}>
      <p>
        <Link to="/trung-tam/trien-khai/chay-thu" className={classes.back}>
          <Icon name="back" size={16} /> {t('rehearsal.board.back')}
        </Link>
      </p>
      {board.isPending && <p role="status">{t('app.loading')}</p>}
      {board.isError && <p role="alert">{errorText(codeOf(board.error))}</p>}
      {data && (
        <>
          <Head data={data} id={id} />
          {held && !link && (
            <p role="status" className={classes.alert}>
              {t('rehearsal.board.stale', { at: formatExact(board.dataUpdatedAt) })}
            </p>
          )}
          {data.rehearsal.status === 'running' && !data.machine && (
            <p role="alert" className={classes.alert}>
              {t('rehearsal.board.noMachine')}
            </p>
          )}
          <Totals unit={data.unit} />
          <nav className={classes.crumbs} aria-label={t('readiness.above')}>
            {data.above.map((one) => (
              <span key={one.code}>
                <button type="button" onClick={() => open(one.code)}>
                  {nameOf(one)}
                </button>
                <span aria-hidden="true"> › </span>
              </span>
            ))}
            <strong aria-current="page">{nameOf(data.unit)}</strong>
          </nav>
          <div className={classes.split}>
            <Matrix data={data} onOpen={open} />
            <RehearsalSeats id={id} unit={data.unit.code} />
          </div>
        </>
      )}
    </div>
  );
}

const nameOf = (unit: { kind: string; name: string; level: string }) =>
  unit.level === 'nation' ? unit.name : `${unit.kind} ${unit.name}`;

function Head({ data, id }: { data: RehearsalBoardAnswer; id: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const may = useMe().data?.may.includes('rehearsal.run') ?? false;
  const [asking, setAsking] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const { rehearsal } = data;
  const begun = Date.parse(rehearsal.started_at ?? rehearsal.starts_at);
  const end = async () => {
    setAsking(false);
    try {
      await rehearsals.end(id);
      await queries.invalidateQueries({ queryKey: ['rehearsal', id] });
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <header className={classes.head}>
      <h1>{rehearsal.title}</h1>
      <span className={classes.status} data-status={rehearsal.status} data-testid="rehearsal-status">
        {t(`rehearsal.status.${rehearsal.status}`)}
      </span>
      <span className={classes.note}>
        {formatExact(begun).slice(0, -3)}
        {rehearsal.status === 'running' &&
          ` · ${t('rehearsal.board.left', { at: formatMinute(begun + rehearsal.minutes * 60_000) })}`}
      </span>
      <span className={classes.actions}>
        {rehearsal.status === 'running' && (
          <Button component={Link} to={`/trung-tam/${rehearsal.meeting}`} variant="default" size="compact-md">
            {t('rehearsal.board.watch')}
          </Button>
        )}
        {may && rehearsal.status !== 'ended' && (
          <Button
            variant="default"
            size="compact-md"
            onClick={() => setAsking(true)}
            data-testid="rehearsal-end"
          >
            {rehearsal.status === 'running' ? t('rehearsal.board.end') : t('rehearsal.board.cancel')}
          </Button>
        )}
      </span>
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      <Dialog opened={asking} onClose={() => setAsking(false)} title={t('rehearsal.board.end')}>
        <p>{t('rehearsal.board.sure')}</p>
        <div className={classes.buttons}>
          <Button onClick={() => void end()} data-testid="rehearsal-end-sure">
            {t('rehearsal.board.end')}
          </Button>
          <Button variant="default" onClick={() => setAsking(false)}>
            {t('rehearsal.board.keep')}
          </Button>
        </div>
      </Dialog>
    </header>
  );
}

/** The four steps as one funnel, with who never came and who has a fault. */
function Totals({ unit }: { unit: RehearsalUnit }) {
  const { t } = useTranslation();
  const { tally } = unit;
  const cells: [key: string, name: string, count: number][] = [
    ['total', t('rehearsal.board.total'), tally.total],
    ...REHEARSAL_STEPS.map((step): [string, string, number] => [
      step,
      t(`rehearsal.step.${step}`),
      tally.done[step] ?? 0,
    ]),
    ['faulty', t('rehearsal.board.faulty'), tally.faulty],
    ['absent', t('rehearsal.board.absent'), tally.absent],
  ];
  return (
    <ol className={classes.totals}>
      {cells.map(([key, name, count]) => (
        <li key={key} data-key={key}>
          <span>{name}</span>
          <strong data-testid={`tally-${key}`}>{formatNumber(count)}</strong>
          <span className={classes.bar} aria-hidden="true">
            <span style={{ width: `${tally.total === 0 ? 0 : (100 * count) / tally.total}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function Matrix({ data, onOpen }: { data: RehearsalBoardAnswer; onOpen: (code: string) => void }) {
  const { t } = useTranslation();
  return (
    <section className={classes.scroll} aria-label={t('rehearsal.board.matrix')}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t('rehearsal.board.unit')}</th>
            <th scope="col" className={classes.number}>
              {t('rehearsal.board.total')}
            </th>
            {REHEARSAL_STEPS.map((step) => (
              <th key={step} scope="col" className={classes.number}>
                {t(`rehearsal.step.${step}`)}
              </th>
            ))}
            <th scope="col" className={classes.number}>
              {t('rehearsal.board.faulty')}
            </th>
            <th scope="col" className={classes.number}>
              {t('rehearsal.board.absent')}
            </th>
          </tr>
        </thead>
        <tbody>
          {data.children.map((unit) => (
            <tr key={unit.code} data-testid="matrix-row" data-unit={unit.code}>
              <th scope="row">
                {unit.code === data.unit.code || unit.level === 'commune' ? (
                  nameOf(unit)
                ) : (
                  <button type="button" onClick={() => onOpen(unit.code)}>
                    {nameOf(unit)}
                  </button>
                )}
              </th>
              <td className={classes.number}>{formatNumber(unit.tally.total)}</td>
              {REHEARSAL_STEPS.map((step) => (
                <td key={step} className={classes.number}>
                  {formatNumber(unit.tally.done[step] ?? 0)}
                </td>
              ))}
              <td className={classes.number}>{formatNumber(unit.tally.faulty)}</td>
              <td className={classes.number}>{formatNumber(unit.tally.absent)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
