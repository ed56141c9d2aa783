import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useLocation, useSearchParams } from 'react-router';
import { useStore } from 'zustand';
import { http, tab } from '../http';
import { SecrecyMark } from '../many/Secrecy';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { ScreenSession } from './session';
import { ScreenContext } from './useScreen';
import classes from './open.module.css';

type Make = (http: Http, meeting: string, tab: string, label: string) => ScreenSession;

/** A window of the meeting in the address, of the one that is open, or of the one that is chosen here. */
export function Opened({ make, children }: { make: Make; children: ReactNode }) {
  const [query] = useSearchParams();
  const meeting = query.get('hop');
  if (meeting === null) return <Choose />;
  return (
    <Standing key={meeting} make={make} meeting={meeting} label={query.get('nhan')?.slice(0, 60) ?? ''}>
      {children}
    </Standing>
  );
}

function Choose() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const errorText = useErrorText();
  const { data, error } = useQuery({
    queryKey: ['meetings'],
    queryFn: () => {
      http.page = 'desk';
      return http.meetings();
    },
  });
  if (error !== null && codeOf(error) === 'not_authenticated') return <Navigate to="/dang-nhap" replace />;
  const open = data?.filter((one) => one.status !== 'ended') ?? [];
  const only = data?.filter((one) => one.status === 'open') ?? [];
  const to = (id: string) => `${pathname}?${new URLSearchParams({ hop: id }).toString()}`;
  if (only.length === 1 && only[0] !== undefined) return <Navigate to={to(only[0].id)} replace />;
  return (
    <main className={classes.choose}>
      <h1>{t('screens.choose')}</h1>
      {error !== null && <p role="alert">{errorText(codeOf(error))}</p>}
      {data !== undefined && open.length === 0 && <p>{t('screens.noMeeting')}</p>}
      <ul>
        {open.map((one) => (
          <li key={one.id}>
            <Link to={to(one.id)} replace>
              {one.title}
            </Link>
          </li>
        ))}
      </ul>
    </main>
  );
}

function Standing({
  make,
  meeting,
  label,
  children,
}: {
  make: Make;
  meeting: string;
  label: string;
  children: ReactNode;
}) {
  const [session] = useState(() => make(http, meeting, tab, label));
  useEffect(() => {
    session.start();
    return () => session.close();
  }, [session]);
  const loggedOut = useStore(session.facets, (s) => s.loggedOut);
  const begun = useStore(session.facets, (s) => s.begun);
  const refused = useStore(session.wire.state, (s) => s.screenRefused);
  const gone = useStore(session.model.store, (s) => s.refused);
  const mark = useStore(session.model.store, (s) => s.state?.secrecy);
  // Once it has shown something, a screen in front of an audience says nothing of the machinery.
  if (loggedOut && !begun) return <Navigate to="/dang-nhap" replace />;
  const trouble = refused ?? gone;
  if (trouble !== null && !begun) return <Trouble code={trouble} />;
  return (
    <ScreenContext value={session}>
      {children}
      <SecrecyMark mark={mark} fixed />
      <FirstTouch session={session} />
    </ScreenContext>
  );
}

function Trouble({ code }: { code: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  return (
    <main className={classes.choose}>
      <h1>{t('screens.refused')}</h1>
      <p role="alert">{errorText(code)}</p>
      <Link to="/trung-tam">{t('desk.back')}</Link>
    </main>
  );
}

const HINT_MS = 12_000;

/**
 * A browser fills a monitor, and lets a page be heard, only after a touch of that very window. A window that was opened
 * from the desk says so for some seconds; one that stands in a kiosk says nothing.
 */
function FirstTouch({ session }: { session: ScreenSession }) {
  const { t } = useTranslation();
  const [query] = useSearchParams();
  const [hint, setHint] = useState(query.get('mo') === '1' && document.fullscreenElement === null);
  useEffect(() => {
    const timer = setTimeout(() => setHint(false), HINT_MS);
    const touch = (event: Event) => {
      // The wall is worked with: there the button fills the monitor.
      const fills = hint && !(event.target instanceof Element && event.target.closest('button, input, a'));
      session.touched(fills);
      setHint(false);
    };
    addEventListener('pointerdown', touch);
    addEventListener('keydown', touch);
    return () => {
      clearTimeout(timer);
      removeEventListener('pointerdown', touch);
      removeEventListener('keydown', touch);
    };
  }, [session, hint]);
  return hint ? (
    <p className={classes.hint} role="status">
      {t('screens.firstTouch')}
    </p>
  ) : null;
}
