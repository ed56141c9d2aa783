import { Button } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { http } from '../http';
import { inspections, type Covered } from '../inspections/api';
import { classOf } from '../models/readiness';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import { newId } from '../protocol/ids';
import type { Site } from '../protocol/types';
import { fillOf, Patterns } from '../rollout/map/Patterns';
import tiles from '../rollout/readiness.module.css';
import classes from './settings.module.css';

/** The communes of a district as tiles, for there are no shapes of them: Enter on one calls it. */
export function CommuneTiles({
  communes,
  nameOf,
  said,
}: {
  communes: readonly Covered[];
  nameOf: (one: Covered) => string;
  said: (one: Covered) => string;
}) {
  const { t } = useTranslation();
  const id = useId();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const may = useMe().data?.may.includes('call.start') ?? false;
  const [busy, setBusy] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  /** Several sites of one commune: nothing dials by itself. */
  const [choose, setChoose] = useState<{ name: string; sites: Site[] } | null>(null);
  if (!may || communes.length === 0) return null;
  const call = async (site: string) => {
    const centre = await inspections.centre();
    const meeting = centre.id;
    await http.json('POST', '/commands', { id: newId(), type: 'call.start', meeting, site });
    await navigate(`/trung-tam/${encodeURIComponent(meeting)}`);
  };
  const run = async (key: string, work: () => Promise<void>) => {
    setBusy(key);
    setFailed(null);
    try {
      await work();
    } catch (error) {
      setFailed(errorText(codeOf(error)));
    } finally {
      setBusy(null);
    }
  };
  const pick = (one: Covered) =>
    run(one.code, async () => {
      setChoose(null);
      const { sites } = await http.unit(one.code);
      const [only, second] = sites;
      if (only === undefined) setFailed(t('many.map.nobody', { name: nameOf(one) }));
      else if (second === undefined) await call(only);
      else {
        const found = await http.sitesOf(one.code, 20);
        setChoose({ name: nameOf(one), sites: found.filter((site) => sites.includes(site.id)) });
      }
    });
  return (
    <section aria-label={t('many.map.hint')}>
      <p className={classes.hint}>{t('many.map.hint')}</p>
      {failed !== null && <p role="alert">{failed}</p>}
      {choose !== null && (
        <div role="alert" data-testid="choose-site">
          <p>{t('many.map.many', { name: choose.name })}</p>
          <div className={classes.act}>
            {choose.sites.map((site) => (
              <Button
                key={site.id}
                size="compact-sm"
                loading={busy === site.id}
                onClick={() => void run(site.id, () => call(site.id))}
              >
                {t('many.map.callOne', { name: site.label })}
              </Button>
            ))}
          </div>
        </div>
      )}
      <svg width="0" height="0" style={{ position: 'absolute' }} aria-hidden="true">
        <Patterns id={id} />
      </svg>
      <ul className={tiles.grid} data-testid="commune-tiles">
        {communes.map((one) => (
          <li key={one.code}>
            <button
              type="button"
              disabled={busy !== null}
              title={said(one)}
              aria-label={`${nameOf(one)} ${t('many.map.call')}. ${said(one)}`}
              onClick={() => void pick(one)}
              data-unit={one.code}
            >
              <svg width="100%" height="14" aria-hidden="true" className={tiles.tileBar}>
                <rect width="100%" height="14" fill={fillOf(id, classOf(one.inspected, one.units))} />
              </svg>
              <span className={tiles.tileName}>{nameOf(one)}</span>
              <span className={tiles.tileCount}>{t('many.map.call')}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
