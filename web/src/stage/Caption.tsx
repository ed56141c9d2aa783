import { useTranslation } from 'react-i18next';
import type { MeetingState } from '../protocol/types';
import classes from './caption.module.css';

export interface CaptionWords {
  first: string;
  second: string;
}

/** Who a site's picture shows: the person where one is known, else what the site is called and where it is. */
export function captionOf(
  state: MeetingState | null,
  site: string,
  label: { title: string; path: string },
): CaptionWords {
  const who = state?.stage.captions.people[site];
  if (who !== undefined) return { first: who.name, second: who.title ?? label.title };
  return { first: label.title, second: label.path };
}

interface Props {
  words: CaptionWords;
  small: boolean;
  chair?: boolean;
  testid?: string;
}

/** A name over a picture, drawn by the page: sharp in every size. */
export function Caption({ words, small, chair = false, testid }: Props) {
  const { t } = useTranslation();
  return (
    <figcaption className={classes.caption} data-small={small} data-testid={testid}>
      <b>{words.first}</b>
      {words.second !== '' && <span>{words.second}</span>}
      {chair && <em>{t('direction.chair')}</em>}
    </figcaption>
  );
}
