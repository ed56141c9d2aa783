import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useRosterVersion } from '../desk/useDesk';
import { formatDay, formatNumber } from '../i18n/format';
import { useNow } from '../parts/useNow';
import { inspections } from './api';
import classes from './found.module.css';
import { FindingState, todayIn } from './FindingMarks';
import { InspectionDialog } from './InspectionDialog';

/** What was found last at the selected site's unit, open or done; the whole inspection is one press away. */
export function FoundBefore({ site }: { site: string }) {
  const { t } = useTranslation();
  const session = useDesk();
  useRosterVersion();
  const may = useStore(session.wire.state, (s) => s.who?.may);
  const today = todayIn(useNow());
  const unit = session.roster.sites.get(site)?.unit?.code;
  const [opened, setOpened] = useState<string | null>(null);
  const found = useQuery({
    queryKey: ['findings', 'unit', unit],
    queryFn: ({ signal }) => inspections.findings({ unit }, 'all', null, signal),
    enabled: unit !== undefined && (may?.includes('inspection.see') ?? false),
  });
  // The answer is of the subtree; of a province only what was found at the province itself.
  const here = (found.data?.findings ?? []).filter((one) => one.unit === unit);
  const [last] = here;
  if (last === undefined) return null;
  return (
    <>
      <button
        type="button"
        className={classes.found}
        title={`${t('lookup.foundBefore')}: ${last.text}`}
        onClick={() => setOpened(last.inspection)}
        data-testid="found-before"
      >
        <span className={classes.text}>
          {formatDay(Date.parse(last.at))}: {last.text}
        </span>
        <FindingState finding={last} today={today} />
        {here.length > 1 && <small>{t('lookup.foundMore', { n: formatNumber(here.length - 1) })}</small>}
      </button>
      <InspectionDialog
        inspection={opened}
        may={may?.includes('inspection.record') ?? false}
        onClose={() => setOpened(null)}
      />
    </>
  );
}
