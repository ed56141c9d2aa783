import { Button, Checkbox, NumberInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { http } from '../http';
import { formatNumber } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { DeviceTable } from './DeviceTable';
import { JobCard } from './JobCard';
import classes from './sheets.module.css';
import { begin, devices, type SheetsJob, type Wanted } from './sheetsApi';
import { UnitPicker } from './UnitPicker';
import { useMe } from '../parts/useMe';

const HOTLINE = 'dc.hotline';

/** Connection sheets: choose a subtree, print, download; and every site's sheet and machine. */
export default function Sheets() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [picked, setPicked] = useState<string | null>(null);
  const [days, setDays] = useState(14);
  const [hotline, setHotline] = useState(() => localStorage.getItem(HOTLINE) ?? '');
  const [onlyNew, setOnlyNew] = useState(true);
  const [job, setJob] = useState<SheetsJob | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const me = useMe();
  // A technician of a province begins with his own.
  const unit = picked ?? me.data?.grants.find((grant) => grant.role === 'technician')?.unit ?? null;
  const place = useQuery({
    queryKey: ['unit', unit],
    queryFn: () => http.unit(unit ?? ''),
    enabled: unit !== null && me.isSuccess,
  });
  const counts = useQuery({
    queryKey: ['sheets-devices', unit],
    queryFn: ({ signal }) => devices(unit ?? '', '', null, signal),
    enabled: unit !== null && me.isSuccess,
    refetchInterval: 10_000,
  });

  const issueAll = () => {
    const open = counts.data?.waiting ?? 0;
    const sure = open === 0 || confirm(t('sheets.issueSure', { count: open, n: formatNumber(open) }));
    if (sure && unit !== null) void start({ unit, only_new: onlyNew });
  };
  const start = async (what: Pick<Wanted, 'unit' | 'sites' | 'only_new'>) => {
    localStorage.setItem(HOTLINE, hotline);
    setFailed(null);
    try {
      setJob(await begin({ ...what, days, hotline: hotline.trim() }));
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  const { total = 0, activated = 0, waiting = 0 } = counts.data ?? {};
  const wanted = onlyNew ? total - activated : total;
  const error = failed ?? (counts.isError ? codeOf(counts.error) : null);
  return (
    <div className={classes.page} data-testid="sheets">
      <h1>{t('sheets.title')}</h1>
      <p>{t('sheets.intro')}</p>
      <UnitPicker label={t('sheets.unit')} onPick={(found) => setPicked(found.code)} testid="sheets-unit" />
      {error !== null && <p role="alert">{errorText(error)}</p>}
      {unit !== null && place.data && counts.data && (
        <>
          <section className={classes.issue}>
            <h2>
              {place.data.level === 'nation' ? t('nation') : `${place.data.kind} ${place.data.name}`}
              {place.data.level !== 'nation' && place.data.level !== 'province' && (
                <small className={classes.path}>{place.data.path}</small>
              )}
            </h2>
            <dl className={classes.counts}>
              <Count name={t('sheets.total')} value={total} testid="sheets-total" />
              <Count name={t('sheets.activated')} value={activated} testid="sheets-activated" />
              <Count name={t('sheets.waiting')} value={waiting} testid="sheets-waiting" />
              <Count name={t('sheets.without')} value={total - activated - waiting} />
            </dl>
            <div className={classes.options}>
              <NumberInput
                label={t('sheets.days')}
                min={1}
                max={90}
                value={days}
                onChange={(value) => setDays(Math.min(90, Math.max(1, Number(value) || 14)))}
                hideControls
              />
              <TextInput
                label={t('sheets.hotline')}
                placeholder={t('sheets.hotlineHint')}
                maxLength={60}
                value={hotline}
                onChange={(event) => setHotline(event.currentTarget.value)}
                data-testid="sheets-hotline"
              />
            </div>
            <Checkbox
              label={t('sheets.onlyNew')}
              checked={onlyNew}
              onChange={(event) => setOnlyNew(event.currentTarget.checked)}
            />
            {wanted === 0 ? (
              <p>{t('sheets.nothing')}</p>
            ) : (
              <Button onClick={issueAll} data-testid="sheets-issue" className={classes.go}>
                {t('sheets.issue', { count: wanted, n: formatNumber(wanted) })}
              </Button>
            )}
          </section>
          {job !== null && <JobCard key={job.id} first={job} />}
          <DeviceTable unit={unit} onAgain={(site) => void start({ sites: [site], only_new: false })} />
        </>
      )}
    </div>
  );
}

function Count({ name, value, testid }: { name: string; value: number; testid?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={testid}>{formatNumber(value)}</dd>
    </div>
  );
}
