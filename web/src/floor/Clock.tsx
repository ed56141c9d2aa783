import { useTranslation } from 'react-i18next';
import { formatShortSpan } from '../i18n/format';
import { timeLeft, type TimeLeft } from '../models/floor';
import { useNow } from '../parts/useNow';
import classes from './clock.module.css';

/** What is left of a time that ends then, by the server's clock. `skew`: the server's clock minus ours, ms. */
export function useTimeLeft(until: string | null | undefined, skew: number): TimeLeft | null {
  const now = useNow() + skew;
  return timeLeft(until, now);
}

/** How long a speaker still has: colour, sign and word; `large`: for the speaker himself and for an audience. */
export function SpeakerClock({
  until,
  skew,
  large = false,
}: {
  until: string | null | undefined;
  skew: number;
  large?: boolean;
}) {
  const { t } = useTranslation();
  const left = useTimeLeft(until, skew);
  if (left === null) return null;
  const time = formatShortSpan(Math.abs(left.ms));
  const word = { running: 'floor.timeLeft', last: 'floor.lastMinute', over: 'floor.timeOver' } as const;
  return (
    <span
      className={large ? classes.large : classes.small}
      data-tone={left.tone}
      data-testid="speaker-clock"
      title={t(left.tone === 'over' ? 'floor.overLong' : 'floor.leftLong', { time })}
    >
      {large && <span className={classes.word}>{t(word[left.tone])}</span>}
      <time>
        {left.tone === 'over' ? '+' : ''}
        {large ? time : t(left.tone === 'over' ? 'floor.over' : 'floor.left', { time })}
      </time>
    </span>
  );
}
