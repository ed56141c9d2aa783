import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { formatExact, formatShortSpan } from '../i18n/format';
import { Dialog } from '../parts/Dialog';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { inspections } from './api';
import classes from './page.module.css';

interface SeenHistoryProps {
  site: string | null;
  opened: boolean;
  onClose: () => void;
}

/** The site's own right to know: who saw it, when, how long. */
export function SeenHistory({ site, opened, onClose }: SeenHistoryProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('inspections.site.history')} size={680}>
      {opened && site !== null && <List site={site} />}
    </Dialog>
  );
}

function List({ site }: { site: string }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const found = useQuery({
    queryKey: ['sightings', site],
    queryFn: ({ signal }) => inspections.sightings(site, signal),
    staleTime: 0,
  });
  if (found.isError) return <p role="alert">{errorText(codeOf(found.error))}</p>;
  if (!found.data) return <p role="status">{t('app.loading')}</p>;
  const { sightings } = found.data;
  return (
    <>
      <p>{t('inspections.site.historyText')}</p>
      {sightings.length === 0 && <p>{t('inspections.site.historyNone')}</p>}
      {sightings.length > 0 && (
        <table className={classes.table} data-testid="sightings">
          <tbody>
            {sightings.map((one) => {
              const began = Date.parse(one.began);
              return (
                <tr key={one.id}>
                  <td>{formatExact(began)}</td>
                  <td>
                    {one.how === 'on_air'
                      ? t('inspections.site.onAir')
                      : [one.title, one.name].filter(Boolean).join(' ') || t('inspections.site.someone')}
                  </td>
                  <td>
                    {one.ended === null
                      ? t('inspections.site.historyNow')
                      : formatShortSpan(Date.parse(one.ended) - began)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </>
  );
}
