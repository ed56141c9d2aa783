import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useNavigate } from 'react-router';
import { http } from '../http';
import { formatClock, formatDay, formatNumber } from '../i18n/format';
import { OwnPassword } from '../parts/OwnPassword';
import { Prefs } from '../parts/Prefs';
import { CentreButton } from '../inspections/CentreButton';
import { SecrecyMark } from '../many/Secrecy';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import classes from './list.module.css';
import { NewMeeting } from './NewMeeting';

/** The desk's first page: meetings, newest first, and a new one. */
export default function MeetingList() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const me = useMe();
  const list = useQuery({
    queryKey: ['meetings'],
    queryFn: () => http.meetings(),
    enabled: me.data?.kind === 'person',
    refetchInterval: 10_000,
  });
  if (me.isError && codeOf(me.error) === 'not_authenticated') return <Navigate to="/dang-nhap" replace />;
  if (me.data?.kind === 'site') return <Navigate to="/diem-cau" replace />;
  if (me.data?.temporary) return <OwnPassword me={me.data} />;
  const cannotMake = me.data !== undefined && !me.data.may.includes('meeting.create');
  const logout = async () => {
    await http.logout().catch(() => undefined);
    queries.clear();
    await navigate('/dang-nhap', { replace: true });
  };
  return (
    <div className={classes.page}>
      <header className={classes.top}>
        <img src="/favicon.svg" alt="" />
        <span>{t('desk.title')}</span>
        <span className={classes.who}>
          {me.data ? [me.data.name, me.data.title].filter(Boolean).join(' · ') : ''}
        </span>
        <Button size="compact-sm" variant="subtle" color="gray" onClick={() => void logout()}>
          {t('app.logout')}
        </Button>
        <Prefs />
      </header>
      <main className={classes.main}>
        <div className={classes.head}>
          <h1>{t('desk.meetings')}</h1>
          <div className={classes.actions}>
            <Button component={Link} to="/trung-tam/trien-khai" variant="default" data-testid="to-rollout">
              {t('rollout.title')}
            </Button>
            <Button component={Link} to="/trung-tam/dang-hop" variant="default" data-testid="to-board">
              {t('many.toBoard')}
            </Button>
            <Button component={Link} to="/trung-tam/kiem-tra" variant="default" data-testid="to-inspections">
              {t('inspections.toInspections')}
            </Button>
            <CentreButton may={me.data?.may ?? []} />
            <Button
              disabled={cannotMake}
              title={cannotMake ? errorText('forbidden') : undefined}
              onClick={() => setMaking(true)}
              data-testid="new-meeting"
            >
              {t('desk.newMeeting')}
            </Button>
          </div>
        </div>
        {list.isError && (
          <p role="alert">
            {errorText(codeOf(list.error))}{' '}
            <Button size="compact-sm" variant="default" onClick={() => void list.refetch()}>
              {t('app.retry')}
            </Button>
          </p>
        )}
        {list.isPending && <p role="status">{t('app.loading')}</p>}
        {list.data?.length === 0 && <p>{t('desk.noMeetings')}</p>}
        {list.data && list.data.length > 0 && (
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{t('desk.meetingTitle')}</th>
                <th scope="col">{t('desk.statusLabel')}</th>
                <th scope="col" className={classes.number}>
                  {t('desk.sites')}
                </th>
                <th scope="col">{t('desk.openedAt')}</th>
                <th scope="col">{t('desk.codecLabel')}</th>
              </tr>
            </thead>
            <tbody>
              {list.data.map((m) => (
                <tr key={m.id} data-status={m.status} data-testid="meeting-row">
                  <th scope="row">
                    <SecrecyMark mark={m.secrecy} />{' '}
                    <Link to={`/trung-tam/${encodeURIComponent(m.id)}`}>{m.title}</Link>
                  </th>
                  <td>
                    <span className={classes.status} data-status={m.status}>
                      {t(`desk.status.${m.status}`)}
                    </span>
                  </td>
                  <td className={classes.number}>{formatNumber(m.sites)}</td>
                  <td>
                    {m.opened_at === null
                      ? '–'
                      : `${formatDay(Date.parse(m.opened_at))} ${formatClock(Date.parse(m.opened_at))}`}
                  </td>
                  <td>{t(`codec.${m.codec}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </main>
      <NewMeeting
        opened={making}
        onClose={() => setMaking(false)}
        onMade={(id) => {
          void queries.invalidateQueries({ queryKey: ['meetings'] });
          void navigate(`/trung-tam/${encodeURIComponent(id)}`);
        }}
      />
    </div>
  );
}
