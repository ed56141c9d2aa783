import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { http } from '../http';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { Door, DoorError } from './Door';
import classes from './door.module.css';

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
  const sent = useRef(false);

  const activate = async (wanted: string) => {
    setBusy(true);
    setFailed(null);
    try {
      await http.activate(wanted.trim());
      // The code is spent: keep it out of the history.
      await navigate('/diem-cau', { replace: true });
    } catch (error) {
      // The sheet was scanned twice on the same device: it is already in.
      http.page = 'site';
      const me = await http.me().catch(() => null);
      if (me?.kind === 'site' && codeOf(error) === 'bad_code') await navigate('/diem-cau', { replace: true });
      else setFailed(codeOf(error));
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    if (given === null || sent.current) return;
    sent.current = true;
    void activate(given);
    // Runs once for the code of the address.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a second run would spend the one-time code again
  }, [given]);

  return (
    <Door title={t('door.activateTitle')}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void activate(code);
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
        <DoorError text={failed === null ? null : errorText(failed)} />
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
