import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DoorError } from './Door';
import classes from './door.module.css';

interface Props {
  /** Name of the site that this browser is now. */
  site: string;
  busy: boolean;
  error: string | null;
  onStay: () => void;
  onSwitch: () => void;
}

/** A link that somebody sent must not turn this post into another site: only its clerk's own tap does. */
export function SwitchSite({ site, busy, error, onStay, onSwitch }: Props) {
  const { t } = useTranslation();
  const answer = { root: classes.answer, label: classes.answerLabel };
  return (
    <div className={classes.form} data-testid="switch-site">
      <p className={classes.question} role="alert">
        {t('door.alreadySite', { site })}
      </p>
      <DoorError text={error} />
      <Button size="lg" classNames={answer} disabled={busy} onClick={onStay} data-testid="switch-stay">
        {t('door.stay', { site })}
      </Button>
      <Button
        size="lg"
        variant="default"
        classNames={answer}
        loading={busy}
        onClick={onSwitch}
        data-testid="switch-go"
      >
        {t('door.switchSite')}
      </Button>
    </div>
  );
}
