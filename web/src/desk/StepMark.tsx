import { useTranslation } from 'react-i18next';
import { StepBars } from '../parts/StepBars';
import type { Step } from '../protocol/types';

/** What a site's line carries, where it is less than everything. */
export function StepMark({ step, word = false }: { step: Step; word?: boolean }) {
  const { t } = useTranslation();
  return (
    <span data-testid="site-step" data-step={step} title={t(`step.${step}`)}>
      <StepBars step={step} size={14} />
      <span className={word ? undefined : 'dc-hidden'}> {t(`step.${step}`)}</span>
    </span>
  );
}
