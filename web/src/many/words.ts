import type { TFunction } from 'i18next';
import type { Place } from '../protocol/types';

/** The nation as people say it in a meeting, any other unit by its name. */
export const placeSaid = (t: TFunction, place: Place | null | undefined): string =>
  place === null || place === undefined || place.unit === 'VN' ? t('many.nation') : place.label;

/** Title and name, as people write them. */
export const personSaid = (person: { name: string; title: string | null }): string =>
  [person.title, person.name].filter(Boolean).join(' ');
