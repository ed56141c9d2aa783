import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { StepBars } from '../parts/StepBars';
import type { Step } from '../protocol/types';
import type { SiteSession } from './session';
import classes from './stage.module.css';
import type { SiteScene } from './useSite';

/** What the line of this page's viewer carries. */
export function useStep(session: SiteSession): Step {
  const viewer = useStore(session.viewer.store, (s) => s.viewer);
  return useStore(session.wire.state, (s) => (viewer === null ? 'high' : (s.steps[viewer] ?? 'high')));
}

/** Says that the line carries less than everything, what is left, and that nothing has to be done. */
export function LineBadge({ session, scene, step }: { session: SiteSession; scene: SiteScene; step: Step }) {
  const { t } = useTranslation();
  const speaking = useStore(session.meeting.store, (s) => s.speaking);
  const names = speaking.map((site) => scene.state?.sites[site]?.label ?? site);
  return (
    <div role="status" data-testid="line-step" data-step={step}>
      {step !== 'high' && (
        <div className={classes.badge}>
          <StepBars step={step} size={32} />
          <span>
            <strong>{t(`step.${step}`)}</strong>
            {t(`site.line.${step}`)}
            {step === 'text' && names.length > 0 && (
              <> {t('site.line.speaking', { names: names.join(', ') })}</>
            )}
          </span>
        </div>
      )}
    </div>
  );
}
