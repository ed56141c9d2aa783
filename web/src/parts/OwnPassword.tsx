import { Button, PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';
import { codeOf } from '../protocol/failure';
import type { Me } from '../protocol/types';
import classes from './ownpassword.module.css';
import { Prefs } from './Prefs';
import { useErrorText } from './useErrorText';

const SHORTEST = 10;

/** Who came in with a password that somebody else gave chooses his own before anything else. */
export function OwnPassword({ me }: { me: Me }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const short = fresh.length < SHORTEST;
  const submit = async () => {
    setTried(true);
    if (old === '' || short || fresh !== again) return;
    setBusy(true);
    setFailed(null);
    try {
      queries.setQueryData(['me', 'desk'], await http.choosePassword(old, fresh));
    } catch (error) {
      setFailed(codeOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className={classes.page}>
      <form
        className={classes.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className={classes.top}>
          <h1>{t('rollout.password.title')}</h1>
          <Prefs />
        </div>
        <p>{[me.name, me.title].filter(Boolean).join(' · ')}</p>
        <p className={classes.hint}>{t('rollout.password.why')}</p>
        <PasswordInput
          label={t('rollout.password.old')}
          autoComplete="current-password"
          value={old}
          onChange={(event) => setOld(event.currentTarget.value)}
          data-testid="password-old"
        />
        <PasswordInput
          label={t('rollout.password.fresh')}
          description={t('rollout.password.hint')}
          autoComplete="new-password"
          value={fresh}
          onChange={(event) => setFresh(event.currentTarget.value)}
          error={tried && short ? t('rollout.password.short') : null}
          data-testid="password-new"
        />
        <PasswordInput
          label={t('rollout.password.again')}
          autoComplete="new-password"
          value={again}
          onChange={(event) => setAgain(event.currentTarget.value)}
          error={tried && fresh !== again ? t('rollout.password.differs') : null}
          data-testid="password-again"
        />
        {failed && <p role="alert">{errorText(failed)}</p>}
        <Button type="submit" loading={busy} data-testid="password-set">
          {t('rollout.password.set')}
        </Button>
      </form>
    </main>
  );
}
