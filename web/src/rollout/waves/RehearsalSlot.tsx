import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMe } from '../../parts/useMe';
import type { WaveDetails } from './api';
import classes from './waves.module.css';

/** Where a wave's rehearsal begins: the page of rehearsals, with the wave chosen. */
export function RehearsalSlot({ wave }: { wave: WaveDetails }) {
  const { t } = useTranslation();
  const me = useMe();
  if (!(me.data?.may.includes('rehearsal.run') ?? false) || wave.counts.total === 0) return null;
  const chosen = new URLSearchParams({ wave: wave.id, name: wave.name });
  return (
    <section aria-label={t('rehearsal.title')} className={classes.actions}>
      <Button
        component={Link}
        to={`/trung-tam/trien-khai/chay-thu?${chosen}`}
        variant="default"
        data-testid="wave-rehearse"
      >
        {t('rehearsal.start.ofWave')}
      </Button>
    </section>
  );
}
