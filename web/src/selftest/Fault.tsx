import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { vi } from '../i18n/vi';
import classes from './selftest.module.css';

type Code = keyof typeof vi.selftest.fault;
const isKnown = (code: string): code is Code => code in vi.selftest.fault;

/** What is wrong and the one thing to do; the way on without it is there, smaller. */
export function Fault({
  code,
  onAgain,
  onNext,
  onward = false,
}: {
  code: string;
  onAgain: () => void;
  onNext: () => void;
  /** Going on is the action: the answer stands on the next page. */
  onward?: boolean;
}) {
  const { t } = useTranslation();
  const text = isKnown(code) ? t(`selftest.fault.${code}`) : t('selftest.fault.network_other');
  return (
    <div className={classes.faultBox} role="alert" data-testid="self-test-fault" data-code={code}>
      <p className={classes.fault}>
        <Icon name="warning" size={28} />
        <span>{text}</span>
      </p>
      <div className={classes.actions}>
        <Button
          size="lg"
          variant={onward ? 'default' : 'filled'}
          onClick={onAgain}
          data-testid="self-test-again"
        >
          {t('selftest.again')}
        </Button>
        <Button
          size="lg"
          variant={onward ? 'filled' : 'default'}
          onClick={onNext}
          data-testid="self-test-skip"
        >
          {onward ? t('selftest.next') : t('selftest.skip')}
        </Button>
      </div>
    </div>
  );
}
