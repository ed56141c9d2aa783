import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { useNow } from '../parts/useNow';
import classes from './door.module.css';
import { SPENT, type DoorProblem } from './faults';

interface Props {
  problem: DoorProblem;
  busy: boolean;
  /** Tries the same code again. */
  onRetry: () => void;
  /** Another sheet, or the code typed by hand. */
  onOther: () => void;
  /** The same page, where browsers keep keys. */
  onSecure: () => void;
}

/** What is wrong in words a clerk uses, and the one thing to do. */
export function DoorFaultCard({ problem, busy, onRetry, onOther, onSecure }: Props) {
  const { t } = useTranslation();
  const { fault } = problem;
  const now = useNow();
  const left = problem.until === null ? 0 : Math.max(0, Math.ceil((problem.until - now) / 1000));
  const act = fault === 'insecure' ? onSecure : SPENT.has(fault) || fault === 'wrong' ? onOther : onRetry;
  return (
    <div className={classes.fault} role="alert" data-testid="door-fault" data-fault={fault}>
      <p className={classes.faultTitle}>
        <Icon name="warning" size={28} />
        <span>{t(`door.fault.${fault}.title`)}</span>
      </p>
      <p>{t(`door.fault.${fault}.text`, { seconds: left })}</p>
      <Button
        size="lg"
        loading={busy}
        disabled={left > 0}
        onClick={act}
        data-testid="door-fault-action"
        classNames={{ root: classes.answer, label: classes.answerLabel }}
      >
        {t(`door.fault.${fault}.action`)}
      </Button>
    </div>
  );
}
