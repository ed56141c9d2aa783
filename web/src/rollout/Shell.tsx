import { useTranslation } from 'react-i18next';
import { Link, Navigate, NavLink, Outlet, useLocation } from 'react-router';
import { Icon } from '../design/icons';
import { OwnPassword } from '../parts/OwnPassword';
import { Prefs } from '../parts/Prefs';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { SECTIONS } from './sections';
import classes from './shell.module.css';
import { useMe } from '../parts/useMe';

const HOME = '/trung-tam/trien-khai';

/** What all pages of the rollout share: who works, the way back, the navigation. */
export default function Shell() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const me = useMe();
  const here = useLocation().pathname.slice(HOME.length).split('/')[1] ?? '';
  if (me.isError && codeOf(me.error) === 'not_authenticated') return <Navigate to="/dang-nhap" replace />;
  if (me.data?.kind === 'site') return <Navigate to="/diem-cau" replace />;
  if (me.data?.temporary) return <OwnPassword me={me.data} />;
  const may = me.data?.may ?? [];
  const section = SECTIONS.find((one) => one.path === here);
  const open = section === undefined || section.needs.some((command) => may.includes(command));
  return (
    <div className={classes.page}>
      <header className={classes.top}>
        <img src="/favicon.svg" alt="" />
        <Link to="/trung-tam" className={classes.back}>
          <Icon name="back" size={16} />
          {t('rollout.toMeetings')}
        </Link>
        <span className={classes.title}>{t('rollout.title')}</span>
        <span className={classes.who}>
          {me.data ? [me.data.name, me.data.title].filter(Boolean).join(' · ') : ''}
        </span>
        <Prefs />
      </header>
      <nav className={classes.nav} aria-label={t('rollout.sections')}>
        {SECTIONS.map((one) => (
          <NavLink
            key={one.path}
            to={one.path === '' ? HOME : `${HOME}/${one.path}`}
            end={one.path === ''}
            data-testid={`section-${one.name}`}
          >
            {t(`rollout.section.${one.name}`)}
          </NavLink>
        ))}
      </nav>
      <main className={classes.main}>
        {me.isPending && <p role="status">{t('app.loading')}</p>}
        {me.isError && <p role="alert">{errorText(codeOf(me.error))}</p>}
        {me.data && open && <Outlet />}
        {me.data && !open && (
          <>
            <h1 className={classes.title}>{t(`rollout.section.${section.name}`)}</h1>
            <p role="alert">{t('rollout.closed')}</p>
          </>
        )}
      </main>
    </div>
  );
}
