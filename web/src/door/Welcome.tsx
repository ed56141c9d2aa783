import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import classes from './door.module.css';

/** Long enough to read which site it is; a tap goes at once. */
const SHOWN_MS = 2_500;

interface Props {
  site: { label: string; path: string };
  onGo: () => void;
}

/** The sheet has worked: which site this machine is now, and what comes. */
export function Welcome({ site, onGo }: Props) {
  const { t } = useTranslation();
  useEffect(() => {
    const timer = setTimeout(onGo, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [onGo]);
  return (
    <div className={classes.form} data-testid="activated">
      <p className={classes.done} role="status">
        <Icon name="check" size={32} />
        <span>
          <strong>{site.label}</strong>
          <span className={classes.path}>{site.path}</span>
        </span>
      </p>
      <p>{t('door.activatedText')}</p>
      <Button size="lg" autoFocus onClick={onGo} data-testid="activated-go">
        {t('door.goOn')}
      </Button>
    </div>
  );
}
