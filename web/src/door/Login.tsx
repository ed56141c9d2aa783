import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { http } from '../http';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { Door, DoorError } from './Door';
import classes from './door.module.css';

export function Login() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (form: HTMLFormElement) => {
    const data = new FormData(form);
    const field = (name: string) => {
      const value = data.get(name);
      return typeof value === 'string' ? value : '';
    };
    setBusy(true);
    setFailed(null);
    try {
      await http.login(field('username').trim(), field('password'));
      http.page = 'desk';
      queries.setQueryData(['me', 'desk'], await http.me());
      await navigate('/trung-tam', { replace: true });
    } catch (error) {
      setFailed(codeOf(error));
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void submit(event.currentTarget);
  };

  return (
    <Door title={t('door.loginTitle')}>
      <form className={classes.form} onSubmit={onSubmit}>
        <TextInput
          name="username"
          label={t('door.username')}
          autoComplete="username"
          size="md"
          required
          withAsterisk={false}
          data-testid="login-username"
        />
        <PasswordInput
          name="password"
          label={t('door.password')}
          autoComplete="current-password"
          size="md"
          required
          withAsterisk={false}
          data-testid="login-password"
        />
        <DoorError text={failed === null ? null : errorText(failed)} />
        <Button type="submit" size="md" loading={busy} data-testid="login-submit">
          {t('door.login')}
        </Button>
      </form>
      <Link className={classes.other} to="/vao">
        {t('door.toActivation')}
      </Link>
    </Door>
  );
}
