import { Button, TextInput } from '@mantine/core';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate } from 'react-router';
import { http } from '../http';
import { codeOf, Failure } from '../protocol/failure';
import { forgets } from '../protocol/keystore';
import { afterActivation, SELF_TEST, SITE_PAGE } from './after';
import { Door } from './Door';
import classes from './door.module.css';
import { DoorFaultCard } from './DoorFaultCard';
import { problemOf, type DoorProblem } from './faults';
import { SwitchSite } from './SwitchSite';
import { Welcome } from './Welcome';

/** What the page shows; `code` is what would be sent next. */
type View =
  | { is: 'form' }
  | { is: 'busy' }
  | { is: 'switch'; site: string; code: string; problem: DoorProblem | null }
  | { is: 'fault'; code: string; problem: DoorProblem }
  | { is: 'done'; site: { label: string; path: string } };

/** Name of the site that this browser is, null when it is none. */
async function siteOfThisBrowser(): Promise<string | null> {
  if (http.device === null || !(await http.device.known())) return null;
  // It may be an operator's browser as well.
  http.page = 'site';
  const me = await http.me().catch(() => null);
  return me?.kind === 'site' ? me.name : null;
}

/** The code of a sheet's link: behind `#`, which browsers send to nobody, or behind `?` as it is typed. */
function codeIn(location: { hash: string; search: string }): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  return (code ?? new URLSearchParams(location.search).get('code'))?.trim() ?? null;
}

/** Where the QR code of the sheet leads: with a code in the address nothing has to be typed. */
export function Activation() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const location = useLocation();
  const given = codeIn(location);
  const [code, setCode] = useState('');
  const [view, setView] = useState<View>(given === null ? { is: 'form' } : { is: 'busy' });
  /** Words for who listens, while the question itself stays. */
  const [busy, setBusy] = useState(given !== null);
  const sent = useRef<string | null>(null);

  /** Asked while the welcome is read. */
  const next = useRef(Promise.resolve(SELF_TEST));

  // Without a page of the history for the code: it is spent, or not wanted.
  const stay = useCallback(() => void navigate(SITE_PAGE, { replace: true }), [navigate]);
  const goOn = useCallback(
    () => void next.current.then((where) => navigate(where, { replace: true })),
    [navigate],
  );

  const activate = async (wanted: string, said: { replace?: boolean; keep?: boolean } = {}) => {
    const replace = said.replace ?? false;
    setBusy(true);
    try {
      if (http.device === null) throw Failure.local('storage_refused', 'no place for keys');
      const site = replace ? null : await siteOfThisBrowser();
      if (site !== null) {
        setView({ is: 'switch', site, code: wanted, problem: null });
        return;
      }
      if (said.keep !== true && isSecureContext && (await forgets())) {
        setView({ is: 'fault', code: wanted, problem: { fault: 'private', until: null } });
        return;
      }
      const answer = await http.device.activate(wanted, replace);
      http.csrf = answer.me.csrf;
      http.page = 'site';
      next.current = afterActivation(http.meetings);
      setView({ is: 'done', site: answer.site });
    } catch (error) {
      const problem = problemOf(error);
      // The sheet was opened twice at once: the other one has made this browser a site since we looked.
      const twice = ['bad_code', 'conflict'].includes(codeOf(error));
      const site = twice ? await siteOfThisBrowser() : null;
      if (site !== null) setView({ is: 'switch', site, code: wanted, problem: replace ? problem : null });
      else setView({ is: 'fault', code: wanted, problem });
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    if (given === null || sent.current === given) return;
    sent.current = given;
    // Out of the address and the history before anything else.
    void navigate(location.pathname, { replace: true });
    void activate(given);
    // Runs once for the code of the address.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a second run would spend the one-time code again
  }, [given]);

  const secure = (wanted: string) =>
    window.location.replace(`https://${window.location.host}/vao#code=${encodeURIComponent(wanted)}`);

  switch (view.is) {
    case 'done':
      return (
        <Door title={t('door.activatedTitle')}>
          <Welcome site={view.site} onGo={goOn} />
        </Door>
      );
    case 'switch':
      return (
        <Door title={t('door.activateTitle')}>
          <SwitchSite
            site={view.site}
            busy={busy}
            error={view.problem === null ? null : t(`door.fault.${view.problem.fault}.title`)}
            onStay={stay}
            onSwitch={() => void activate(view.code, { replace: true, keep: true })}
          />
        </Door>
      );
    case 'fault':
      return (
        <Door title={t('door.activateTitle')}>
          <DoorFaultCard
            problem={view.problem}
            busy={busy}
            onRetry={() => void activate(view.code, { keep: true })}
            onOther={() => setView({ is: 'form' })}
            onSecure={() => secure(view.code)}
          />
        </Door>
      );
    case 'busy':
      return (
        <Door title={t('door.activateTitle')}>
          <p className={classes.question} role="status" aria-busy="true">
            {t('door.activating')}
          </p>
        </Door>
      );
    default:
      return (
        <Door title={t('door.activateTitle')}>
          <form
            className={classes.form}
            onSubmit={(event) => {
              event.preventDefault();
              void activate(code.trim());
            }}
          >
            <p className={classes.question}>{t('door.scan')}</p>
            <TextInput
              label={t('door.code')}
              description={t('door.codeHint')}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              autoComplete="off"
              autoCapitalize="characters"
              spellCheck={false}
              size="lg"
              required
              withAsterisk={false}
              data-testid="activation-code"
            />
            <Button type="submit" size="lg" loading={busy} data-testid="activation-submit">
              {t('door.activate')}
            </Button>
          </form>
          <Link className={classes.other} to="/dang-nhap">
            {t('door.toLogin')}
          </Link>
        </Door>
      );
  }
}
