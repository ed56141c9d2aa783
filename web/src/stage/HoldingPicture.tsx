import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMinute } from '../i18n/format';
import type { Hold } from '../protocol/types';
import classes from './holding.module.css';

interface Props {
  /** Of the meeting. */
  title: string;
  hold: Hold;
  testid?: string;
}

/** What everybody sees in place of pictures while the meeting rests. */
export function HoldingPicture({ title, hold, testid = 'holding' }: Props) {
  const { t } = useTranslation();
  return (
    <Still testid={testid} head={t('app.name')} large={hold.text ?? t('direction.resting')} title={title}>
      {hold.until !== null && t('direction.goesOn', { time: formatMinute(Date.parse(hold.until)) })}
    </Still>
  );
}

interface StillProps {
  head: string;
  large: string;
  title: string;
  testid: string;
  children?: ReactNode;
}

/** A designed still in the size of whatever holds it. */
export function Still({ head, large, title, testid, children }: StillProps) {
  return (
    <div className={classes.holding} data-testid={testid} role="status">
      <div className={classes.edge}>
        <p className={classes.head}>{head}</p>
        <h2 className={classes.large}>{large}</h2>
        <p className={classes.title}>{title}</p>
        {children !== undefined && children !== false && children !== '' && (
          <p className={classes.until}>{children}</p>
        )}
      </div>
    </div>
  );
}

/** What a slot shows while nothing is presented in it. */
export function NoSlides({ ended }: { ended: boolean }) {
  const { t } = useTranslation();
  return (
    <Still
      testid="no-slides"
      head={t('direction.slides')}
      large={ended ? t('direction.noSlides') : t('direction.slidesComing')}
      title=""
    />
  );
}
