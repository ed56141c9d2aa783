import { Button, Menu, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { people, type PersonShown } from './api';
import classes from './people.module.css';
import { EditGrants, NewPerson } from './PersonForms';
import { useMe } from '../parts/useMe';

type Doing =
  | { what: 'add' }
  | { what: 'edit' | 'disable' | 'password'; person: PersonShown }
  | { what: 'given'; person: PersonShown; password: string }
  | null;

/** People inside the subtrees that the operator manages: who they are, what they may do, letting them in and out. */
export default function PeoplePage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const me = useMe();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 200);
  const [doing, setDoing] = useState<Doing>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['people', asked],
    queryFn: ({ pageParam, signal }) => people.list(asked, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const found = list.data?.pages.flatMap((page) => page.people) ?? [];
  const again = () => queries.invalidateQueries({ queryKey: ['people'] });
  const act = async <T,>(work: Promise<T>, then: (answer: T) => Doing) => {
    setFailed(null);
    try {
      setDoing(then(await work));
    } catch (error) {
      setDoing(null);
      setFailed(codeOf(error));
    }
    await again();
  };
  return (
    <div className={classes.page}>
      <div className={classes.head}>
        <h1>{t('rollout.people.title')}</h1>
        <Button onClick={() => setDoing({ what: 'add' })} data-testid="person-add">
          {t('rollout.people.add')}
        </Button>
      </div>
      <p className={classes.hint}>{t('rollout.people.hint')}</p>
      {failed && (
        <p role="alert" className={classes.alert}>
          {errorText(failed)}
        </p>
      )}
      <TextInput
        aria-label={t('rollout.people.search')}
        placeholder={t('rollout.people.search')}
        leftSection={<Icon name="search" size={16} />}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        maxLength={200}
        maw={420}
        data-testid="person-search"
      />
      {list.isError && (
        <p role="alert" className={classes.alert}>
          {errorText(codeOf(list.error))}
        </p>
      )}
      {list.isPending && <p role="status">{t('app.loading')}</p>}
      {list.isSuccess && found.length === 0 && (
        <p>{t(asked === '' ? 'rollout.people.none' : 'rollout.people.noneFound')}</p>
      )}
      {found.length > 0 && (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('rollout.people.name')}</th>
              <th scope="col">{t('rollout.people.username')}</th>
              <th scope="col">{t('rollout.people.grants')}</th>
              <th scope="col">{t('rollout.people.state')}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {found.map((person) => (
              <Row
                key={person.id}
                person={person}
                own={person.id === me.data?.id}
                onDo={setDoing}
                onEnable={() => void act(people.enable(person.id), () => null)}
              />
            ))}
          </tbody>
        </table>
      )}
      {list.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t('rollout.people.more')}
          </Button>
        </div>
      )}
      <Dialog
        opened={doing?.what === 'add'}
        onClose={() => setDoing(null)}
        title={t('rollout.people.add')}
        size={640}
      >
        {doing?.what === 'add' && (
          <NewPerson
            onMade={({ person, password }) => {
              setDoing({ what: 'given', person, password });
              void again();
            }}
          />
        )}
      </Dialog>
      <Dialog
        opened={doing?.what === 'edit'}
        onClose={() => setDoing(null)}
        title={`${t('rollout.people.edit')}: ${doing?.what === 'edit' ? doing.person.name : ''}`}
        size={640}
      >
        {doing?.what === 'edit' && (
          <EditGrants
            person={doing.person}
            onSaved={() => {
              setDoing(null);
              void again();
            }}
          />
        )}
      </Dialog>
      <Dialog
        opened={doing?.what === 'disable' || doing?.what === 'password'}
        onClose={() => setDoing(null)}
        title={t(doing?.what === 'password' ? 'rollout.people.password' : 'rollout.people.disable')}
      >
        {(doing?.what === 'disable' || doing?.what === 'password') && (
          <Confirm
            text={t(
              doing.what === 'disable' ? 'rollout.people.confirmDisable' : 'rollout.people.confirmPassword',
              { name: doing.person.name },
            )}
            yes={t(`rollout.people.${doing.what}`)}
            onNo={() => setDoing(null)}
            onYes={() =>
              doing.what === 'disable'
                ? act(people.disable(doing.person.id), () => null)
                : act(people.password(doing.person.id), (made) => ({ what: 'given', ...made }))
            }
          />
        )}
      </Dialog>
      <Dialog
        opened={doing?.what === 'given'}
        onClose={() => setDoing(null)}
        title={t('rollout.people.made')}
      >
        {doing?.what === 'given' && (
          <Given person={doing.person} password={doing.password} onDone={() => setDoing(null)} />
        )}
      </Dialog>
    </div>
  );
}

interface RowProps {
  person: PersonShown;
  own: boolean;
  onDo: (doing: Doing) => void;
  onEnable: () => void;
}

function Row({ person, own, onDo, onEnable }: RowProps) {
  const { t } = useTranslation();
  const state = person.disabled ? 'disabled' : person.temporary ? 'temporary' : 'active';
  return (
    <tr data-testid="person-row">
      <th scope="row">
        {person.name}
        {person.title && <span className={classes.sub}>{person.title}</span>}
      </th>
      <td>{person.username}</td>
      <td>
        <ul className={classes.grants}>
          {person.grants.map((grant) => (
            <li key={`${grant.role} ${grant.unit}`}>
              <strong>{t(`rollout.people.roleOf.${grant.role as 'lead'}`)}</strong> · {grant.path}
            </li>
          ))}
          {person.elsewhere && <li className={classes.sub}>+ {t('rollout.people.elsewhere')}</li>}
        </ul>
      </td>
      <td>
        <span className={classes.state} data-state={state}>
          {t(`rollout.people.${state}`)}
        </span>
      </td>
      <td className={classes.actions}>
        {person.changeable ? (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button
                size="compact-sm"
                variant="default"
                aria-label={t('rollout.people.actions', { name: person.name })}
                data-testid="person-menu"
              >
                ⋯
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => onDo({ what: 'edit', person })} data-testid="person-edit">
                {t('rollout.people.edit')}
              </Menu.Item>
              <Menu.Item onClick={() => onDo({ what: 'password', person })} data-testid="person-password">
                {t('rollout.people.password')}
              </Menu.Item>
              {person.disabled ? (
                <Menu.Item onClick={onEnable}>{t('rollout.people.enable')}</Menu.Item>
              ) : (
                <Menu.Item onClick={() => onDo({ what: 'disable', person })} data-testid="person-disable">
                  {t('rollout.people.disable')}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        ) : (
          <span className={classes.sub}>{t(own ? 'rollout.people.you' : 'rollout.people.fixed')}</span>
        )}
      </td>
    </tr>
  );
}

interface ConfirmProps {
  text: string;
  yes: string;
  onYes: () => Promise<void>;
  onNo: () => void;
}

function Confirm({ text, yes, onYes, onNo }: ConfirmProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  return (
    <div className={classes.form}>
      <p>{text}</p>
      <div className={classes.buttons}>
        <Button variant="default" onClick={onNo}>
          {t('app.cancel')}
        </Button>
        <Button
          loading={busy}
          onClick={() => {
            setBusy(true);
            void onYes();
          }}
          data-testid="confirm-yes"
        >
          {yes}
        </Button>
      </div>
    </div>
  );
}

interface GivenProps {
  person: PersonShown;
  password: string;
  onDone: () => void;
}

/** The one time that a password can be read. */
function Given({ person, password, onDone }: GivenProps) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  return (
    <div className={classes.form}>
      <p>{t('rollout.people.madeFor', { name: person.name, username: person.username })}</p>
      <output className={classes.password} data-testid="given-password">
        {password}
      </output>
      <div className={classes.buttons}>
        <Button
          variant="default"
          onClick={() => {
            void navigator.clipboard.writeText(password).then(() => setCopied(true));
          }}
        >
          {t(copied ? 'rollout.people.copied' : 'rollout.people.copy')}
        </Button>
        <Button onClick={onDone} data-testid="given-done">
          {t('rollout.people.handed')}
        </Button>
      </div>
    </div>
  );
}
