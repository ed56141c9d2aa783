import { SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useMe } from '../parts/useMe';
import { MARKS, type Secrecy } from '../protocol/types';
import classes from './secrecy.module.css';

/** The mark of a new meeting: up to one's own clearance, nothing for who has none. */
export function SecrecyChoice({ value, onChange }: { value: Secrecy; onChange: (mark: Secrecy) => void }) {
  const { t } = useTranslation();
  const me = useMe().data;
  const most = MARKS.indexOf(me?.clearance ?? 'none');
  if (most === 0 || !me?.may.includes('meeting.mark')) return null;
  return (
    <fieldset className={classes.choice} data-testid="secrecy-choice">
      <legend>{t('many.secrecy.label')}</legend>
      <SegmentedControl
        data={MARKS.slice(0, most + 1).map((mark) => ({ value: mark, label: t(`many.secrecy.${mark}`) }))}
        value={value}
        onChange={(chosen) => onChange(MARKS.find((mark) => mark === chosen) ?? 'none')}
      />
      <p className={classes.hint}>{t('many.secrecy.hint')}</p>
    </fieldset>
  );
}
