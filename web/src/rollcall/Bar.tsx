import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { formatExact, formatNumber } from '../i18n/format';
import { SecrecyMark } from '../many/Secrecy';
import { summary, troubles, type Branch } from '../models/rollcall';
import { Dialog } from '../parts/Dialog';
import { Prefs } from '../parts/Prefs';
import classes from './rollcall.module.css';
import { useRoll, useRollSession } from './useRollCall';

/** Which roll call of which meeting, its totals, and the acts that concern all of it. */
export function Bar({ branches, chosen }: { branches: readonly Branch[]; chosen: Branch | null }) {
  const { t } = useTranslation();
  const session = useRollSession();
  const call = useRoll((s) => s.call);
  const totals = useRoll((s) => s.totals);
  const may = useRoll((s) => s.may);
  const title = useStore(session.model.store, (s) => s.state?.title);
  const secrecy = useStore(session.model.store, (s) => s.state?.secrecy);
  const [sealing, setSealing] = useState(false);
  const real = call !== null && call !== 'none' ? call : null;
  const count = (key: 'unsaid') => branches.reduce((n, branch) => n + branch[key], 0);
  return (
    <header className={classes.bar}>
      <Link to={`/trung-tam/${session.meeting}`} className={classes.back} aria-label={t('rollcall.back')}>
        <Icon name="back" />
      </Link>
      <div className={classes.which}>
        <h1>
          {t('rollcall.title')}
          {real && ` · ${t('rollcall.number', { n: real.number })}`}
          {real?.corrects != null && ` (${t('rollcall.corrects')})`}
        </h1>
        <small>
          {title ?? ''}
          {real && (
            <>
              {' · '}
              <span data-testid="roll-status" data-status={real.status}>
                {real.status === 'open'
                  ? t('rollcall.running')
                  : t('rollcall.sealed', {
                      at: formatExact(Date.parse(real.sealed_at ?? '')),
                      by: real.sealed_by ?? '',
                    })}
              </span>
            </>
          )}
        </small>
      </div>
      <SecrecyMark mark={secrecy} />
      <dl className={classes.totals} data-testid="roll-totals" data-summary={summary(totals, formatNumber)}>
        {totals.map((total) => (
          <div key={total.level}>
            <dt>{t(`level.${total.level}`)}</dt>
            <dd data-full={total.present === total.of}>
              {formatNumber(total.present)}/{formatNumber(total.of)}
            </dd>
          </div>
        ))}
      </dl>
      {real && (
        <>
          <Report kind="xlsx" chosen={chosen} />
          <Report kind="pdf" chosen={chosen} />
        </>
      )}
      {real?.status === 'open' && may?.seal && (
        <Button onClick={() => setSealing(true)} data-testid="roll-seal">
          {t('rollcall.seal')}
        </Button>
      )}
      {real?.status === 'sealed' && may?.open && (
        <Button variant="default" onClick={() => void session.open(real.id)} data-testid="roll-correct">
          {t('rollcall.openAgain')}
        </Button>
      )}
      <Prefs />
      <Dialog opened={sealing} onClose={() => setSealing(false)} title={t('rollcall.sealSure')}>
        <p>
          {t('rollcall.sealText', {
            unsaid: formatNumber(count('unsaid')),
            contradictions: formatNumber(branches.reduce((n, branch) => n + troubles(branch), 0)),
            waiting: formatNumber(
              branches.filter((branch) => branch.confirmed === null && may?.confirm.includes(branch.unit))
                .length,
            ),
          })}
        </p>
        <div className={classes.acts}>
          <Button variant="default" onClick={() => setSealing(false)} data-autofocus>
            {t('app.cancel')}
          </Button>
          <Button
            className={classes.grave}
            onClick={() => {
              setSealing(false);
              void session.seal();
            }}
            data-testid="roll-seal-sure"
          >
            {t('rollcall.seal')}
          </Button>
        </div>
      </Dialog>
    </header>
  );
}

/** One click exports everything; a chosen province may be had alone. */
function Report({ kind, chosen }: { kind: 'xlsx' | 'pdf'; chosen: Branch | null }) {
  const { t } = useTranslation();
  const session = useRollSession();
  const all = session.report(kind, null);
  if (all === null) return null;
  if (chosen === null)
    return (
      <Button component="a" href={all} variant="default" download data-testid={`roll-${kind}`}>
        {t(`rollcall.${kind}`)}
      </Button>
    );
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default" rightSection={<Icon name="down" size={14} />} data-testid={`roll-${kind}`}>
          {t(`rollcall.${kind}`)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={session.report(kind, chosen.unit) ?? all} download>
          {t('rollcall.exportHere', { name: chosen.name })}
        </Menu.Item>
        <Menu.Item component="a" href={all} download data-testid={`roll-${kind}-all`}>
          {t('rollcall.exportAll')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
