import { useTranslation } from 'react-i18next';
import { vi } from '../i18n/vi';

type Code = keyof typeof vi.errors;

const isKnown = (code: string): code is Code => code in vi.errors;

/** Words for a stable code; a code of a newer server is said with its name. */
export function useErrorText(): (code: string) => string {
  const { t } = useTranslation();
  return (code) => (isKnown(code) ? t(`errors.${code}`) : `${t('errors.unknown')} (${code})`);
}
