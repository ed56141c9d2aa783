import { useTranslation } from 'react-i18next';
import type { ReadinessAnswer } from '../protocol/types';
import { CountTable } from './UnitTable';

/** The same figures by carrier; a row opens its sites. */
export function CarrierTable({
  carriers,
  onOpen,
}: {
  carriers: ReadinessAnswer['carriers'];
  onOpen: (carrier: string | null) => void;
}) {
  const { t } = useTranslation();
  return (
    <CountTable
      first={t('readiness.carrier')}
      testid="carrier-table"
      rows={carriers.map(({ carrier, counts }) => ({
        key: carrier ?? '',
        name: carrier ?? t('readiness.noCarrier'),
        counts,
        open: () => onOpen(carrier),
      }))}
    />
  );
}
