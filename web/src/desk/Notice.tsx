import { useErrorText } from '../parts/useErrorText';
import { useNow } from '../parts/useNow';
import classes from './notice.module.css';
import { useDeskState } from './useDesk';

const SHOWN_MS = 6_000;

/** What was refused and why, for some seconds, over the status bar. */
export function Notice() {
  const notice = useDeskState((s) => s.notice);
  const errorText = useErrorText();
  const now = useNow();
  const shown = notice !== null && now - notice.at < SHOWN_MS;
  return (
    <p className={classes.notice} role="alert" data-shown={shown} data-testid="notice">
      {shown ? errorText(notice.code) : ''}
    </p>
  );
}
