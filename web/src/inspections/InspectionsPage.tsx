import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useSearchParams } from 'react-router';
import { Icon } from '../design/icons';
import { OwnPassword } from '../parts/OwnPassword';
import { Prefs } from '../parts/Prefs';
import { useErrorText } from '../parts/useErrorText';
import { useMe } from '../parts/useMe';
import { codeOf } from '../protocol/failure';
import shell from '../rollout/shell.module.css';
import { CoverageTab } from './CoverageTab';
import { FindingsTab } from './FindingsTab';
import { HistoryTab } from './HistoryTab';
import { InspectionDialog } from './InspectionDialog';
import classes from './page.module.css';

const TABS = ['findings', 'coverage', 'history'] as const;
type Tab = (typeof TABS)[number];

/** Inspections: what is open, which units were seen when, every call. What is shown is in the address. */
export default function InspectionsPage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const me = useMe();
  const [params, setParams] = useSearchParams();
  const [opened, setOpened] = useState<string | null>(null);
  if (me.isError && codeOf(me.error) === 'not_authenticated') return <Navigate to="/dang-nhap" replace />;
  if (me.data?.kind === 'site') return <Navigate to="/diem-cau" replace />;
  if (me.data?.temporary) return <OwnPassword me={me.data} />;
  const tab: Tab = TABS.find((one) => one === params.get('xem')) ?? 'findings';
  const may = me.data?.may.includes('inspection.see') ?? false;
  return (
    <div className={shell.page}>
      <header className={shell.top}>
        <img src="/favicon.svg" alt="" />
        <Link to="/trung-tam" className={shell.back}>
          <Icon name="back" size={16} />
          {t('rollout.toMeetings')}
        </Link>
        <span className={shell.title}>{t('inspections.title')}</span>
        <span className={shell.who}>
          {me.data ? [me.data.name, me.data.title].filter(Boolean).join(' · ') : ''}
        </span>
        <Prefs />
      </header>
      <main className={classes.main} data-testid="inspections">
        <h1>{t('inspections.title')}</h1>
        {me.isPending && <p role="status">{t('app.loading')}</p>}
        {me.isError && <p role="alert">{errorText(codeOf(me.error))}</p>}
        {me.data && !may && <p role="alert">{t('inspections.closed')}</p>}
        {may && (
          <>
            <SegmentedControl
              value={tab}
              onChange={(value) =>
                // What is asked for goes along from one tab to the next.
                setParams((before) => {
                  const params = new URLSearchParams(before);
                  if (value === 'findings') params.delete('xem');
                  else params.set('xem', value);
                  return params;
                })
              }
              data={TABS.map((value) => ({ value, label: t(`inspections.tab.${value}`) }))}
              data-testid="inspection-tabs"
            />
            {tab === 'findings' && <FindingsTab onOpen={setOpened} />}
            {tab === 'coverage' && <CoverageTab />}
            {tab === 'history' && <HistoryTab onOpen={setOpened} />}
          </>
        )}
      </main>
      <InspectionDialog
        inspection={opened}
        may={me.data?.may.includes('inspection.record') ?? false}
        onClose={() => setOpened(null)}
      />
    </div>
  );
}
