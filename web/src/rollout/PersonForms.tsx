import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { people, type GrantSeen, type PersonShown, type RoleName } from './api';
import classes from './people.module.css';
import { UnitPicker } from './UnitPicker';

type Made = Awaited<ReturnType<typeof people.add>>;

const given = (grants: GrantSeen[]) => grants.map(({ role, unit }) => ({ role: role as RoleName, unit }));

/** Somebody more; the server makes the first password. */
export function NewPerson({ onMade }: { onMade: (made: Made) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const [username, setUsername] = useState('');
  const [grants, setGrants] = useState<GrantSeen[]>([]);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const submit = async () => {
    setTried(true);
    if (name.trim() === '' || username.trim() === '' || grants.length === 0) return;
    setBusy(true);
    setFailed(null);
    try {
      const wanted = { username: username.trim(), name: name.trim(), title: title.trim() || null };
      onMade(await people.add({ ...wanted, grants: given(grants) }));
    } catch (error) {
      setFailed(codeOf(error));
      setBusy(false);
    }
  };
  const missing = (text: string) => (tried && text.trim() === '' ? ' ' : null);
  return (
    <form
      className={classes.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextInput
        label={t('rollout.people.name')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={missing(name)}
        maxLength={200}
        data-autofocus
        data-testid="person-name"
      />
      <TextInput
        label={t('rollout.people.position')}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
        maxLength={200}
      />
      <TextInput
        label={t('rollout.people.username')}
        description={t('rollout.people.usernameHint')}
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        error={missing(username)}
        maxLength={64}
        autoComplete="off"
        data-testid="person-username"
      />
      <Grants grants={grants} onChange={setGrants} />
      {tried && grants.length === 0 && <p role="alert">{t('rollout.people.needed')}</p>}
      {failed && <p role="alert">{errorText(failed)}</p>}
      <div className={classes.buttons}>
        <Button type="submit" loading={busy} data-testid="person-save">
          {t('rollout.people.add')}
        </Button>
      </div>
    </form>
  );
}

/** Gives and takes roles of somebody who is there. */
export function EditGrants({ person, onSaved }: { person: PersonShown; onSaved: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [grants, setGrants] = useState(person.grants);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const save = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await people.grant(person.id, given(grants));
      onSaved();
    } catch (error) {
      setFailed(codeOf(error));
      setBusy(false);
    }
  };
  return (
    <div className={classes.form}>
      <Grants grants={grants} onChange={setGrants} />
      {grants.length === 0 && <p role="alert">{t('rollout.people.needed')}</p>}
      {failed && <p role="alert">{errorText(failed)}</p>}
      <div className={classes.buttons}>
        <Button
          loading={busy}
          disabled={grants.length === 0}
          onClick={() => void save()}
          data-testid="grants-save"
        >
          {t('rollout.people.save')}
        </Button>
      </div>
    </div>
  );
}

interface GrantsProps {
  grants: GrantSeen[];
  onChange: (grants: GrantSeen[]) => void;
}

/** A person's roles, and one more: a unit, then the roles that may be given over it. */
function Grants({ grants, onChange }: GrantsProps) {
  const { t } = useTranslation();
  const [unit, setUnit] = useState<{ code: string; path: string } | null>(null);
  const [role, setRole] = useState<RoleName | null>(null);
  const roles = useQuery({
    queryKey: ['roles', unit?.code],
    queryFn: ({ signal }) => people.roles(unit?.code ?? '', signal),
    enabled: unit !== null,
  });
  const name = (one: string) => t(`rollout.people.roleOf.${one as RoleName}`);
  const chosen = role ?? (roles.data?.includes('lead') ? 'lead' : (roles.data?.[0] ?? null));
  const add = () => {
    if (unit === null || chosen === null) return;
    const held = grants.some((grant) => grant.role === chosen && grant.unit === unit.code);
    if (!held) onChange([...grants, { role: chosen, unit: unit.code, path: unit.path }]);
    setUnit(null);
    setRole(null);
  };
  return (
    <fieldset className={classes.fieldset}>
      <legend>{t('rollout.people.grants')}</legend>
      {grants.length > 0 && (
        <ul className={classes.chosen}>
          {grants.map((grant) => (
            <li key={`${grant.role} ${grant.unit}`}>
              <span>
                <strong>{name(grant.role)}</strong> · {grant.path}
              </span>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('rollout.people.take', { role: name(grant.role), unit: grant.path })}
                onClick={() => onChange(grants.filter((one) => one !== grant))}
              >
                <Icon name="close" size={16} />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      {unit === null ? (
        <UnitPicker label={t('rollout.people.unit')} onPick={setUnit} testid="grant-unit" />
      ) : (
        <div className={classes.adding}>
          <p>
            {unit.path}{' '}
            <Button size="compact-sm" variant="subtle" onClick={() => setUnit(null)}>
              {t('app.cancel')}
            </Button>
          </p>
          {roles.isPending && <p role="status">{t('app.loading')}</p>}
          {roles.data?.length === 0 && <p role="alert">{t('rollout.people.noRoles')}</p>}
          {roles.data && roles.data.length > 0 && (
            <div className={classes.buttons}>
              <NativeSelect
                aria-label={t('rollout.people.role')}
                value={chosen ?? ''}
                onChange={(event) => setRole(event.currentTarget.value as RoleName)}
                data={roles.data.map((one) => ({ value: one, label: name(one) }))}
                data-testid="grant-role"
              />
              <Button variant="default" onClick={add} data-testid="grant-add">
                {t('rollout.people.give')}
              </Button>
            </div>
          )}
        </div>
      )}
    </fieldset>
  );
}
