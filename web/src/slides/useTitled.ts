import { useTranslation } from 'react-i18next';
import { screenTitle, UNNAMED } from './named';

/** A presentation's title as people read it: a shared screen may have none of its own. */
export function useTitled(): (title: string) => string {
  const { t } = useTranslation();
  return (title) => (screenTitle(title) === UNNAMED ? t('direction.sharedScreen') : title);
}
