import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { http } from '../http';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { Door, DoorError } from './Door';
import classes from './door.module.css';
import { SwitchSite } from './SwitchSite';

/** Name of the site that this browser is, null when it is none. */
async function siteOfThisBrowser(): Promise<string | null> {
  // It may be an operator's browser as well.
  http.page = 'site';
  const me = await http.me().catch(() => null);
  return me?.kind === 'site' ? me.name : null;
}

/** Where the QR code of the sheet leads: with a code in the address nothing has to be typed. */
export function Activation() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const given = params.get('code');
  const [code, setCode] = useState(given ?? '');
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(given !== null);
  /** What is asked before the code is sent: this browser already is `site`. */
  const [question, setQuestion] = useState<{ site: string; code: string } | null>(null);
  const sent = useRef(false);

  // Without a page of the history for the code: it is spent, or not wanted.
  const enter = () => navigate('/diem-cau', { replace: true });

  const activate = async (wanted: string, replace = false) => {
    setBusy(true);
    setFailed(null);
    try {
      const site = replace ? null : await siteOfThisBrowser();
      if (site !== null) {
        setQuestion({ site, code: wanted });
        return;
      }
      await http.activate(wanted, replace);
      await enter();
    } catch (error) {
      const why = codeOf(error);
      // The sheet was opened twice at once: the other one has made this browser a site since we looked.
      const twice = !replace && (why === 'bad_code' || why === 'conflict');
      const site = twice ? await siteOfThisBrowser() : null;
      if (site !== null) setQuestion({ site, code: wanted });
      else setFailed(why);
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    if (given === null || sent.current) return;
    sent.current = true;
    void activate(given.trim());
    // Runs once for the code of the address.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a second run would spend the one-time code again
  }, [given]);

  const error = failed === null ? null : errorText(failed);
  if (question !== null)
    return (
      <Door title={t('door.activateTitle')}>
        <SwitchSite
          site={question.site}
          busy={busy}
          error={error}
          onStay={() => void enter()}
          onSwitch={() => void activate(question.code, true)}
        />
      </Door>
    );
  return (
    <Door title={t('door.activateTitle')}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void activate(code.trim());
        }}
      >
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
        <DoorError text={error} />
        <Button type="submit" size="lg" loading={busy} data-testid="activation-submit">
          {t('door.activate')}
        </Button>
        <p className="dc-hidden" role="status">
          {busy ? t('door.activating') : ''}
        </p>
      </form>
      <Link className={classes.other} to="/dang-nhap">
        {t('door.toLogin')}
      </Link>
    </Door>
  );
}
