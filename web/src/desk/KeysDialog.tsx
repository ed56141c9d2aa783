import { useTranslation } from 'react-i18next';
import { vi } from '../i18n/vi';
import { Dialog } from '../parts/Dialog';
import classes from './keysdialog.module.css';

const KEYS = [
  ['find', ['/', 'Ctrl K']],
  ['findSelect', ['/ … Shift Enter']],
  ['findLineUp', ['/ … Ctrl Enter']],
  ['preview', ['P']],
  ['cut', ['Enter']],
  ['call', ['C']],
  ['hangUp', ['H']],
  ['undo', ['Z']],
  ['layout', ['1', '2', '4']],
  ['layoutSpeakerChair', ['3']],
  ['layoutSlides', ['5']],
  ['pinChair', ['Shift C']],
  ['hold', ['B']],
  ['holdWords', ['Shift B']],
  ['captions', ['K']],
  ['captionWords', ['Shift K']],
  ['slides', ['S']],
  ['pages', ['Page ↓', 'Page ↑']],
  ['next', ['N']],
  ['give', ['G']],
  ['nextFloor', ['Shift N']],
  ['list', ['A']],
  ['forward', ['F']],
  ['extend', ['+']],
  ['end', ['E']],
  ['mute', ['M']],
  ['muteAll', ['Shift M']],
  ['lineUp', ['L']],
  ['talk', ['T']],
  ['talkEnd', ['Shift T']],
  ['write', ['W']],
  ['tree', ['↑', '↓', '←', '→']],
  ['rowMenu', ['Shift F10']],
  ['regions', ['F6']],
  ['escape', ['Esc']],
  ['help', ['?']],
] as const;

type What = (typeof KEYS)[number][0];
type OfDirection = keyof typeof vi.direction.keys;

const isOfDirection = (what: What): what is OfDirection => what in vi.direction.keys;

export function KeysDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('desk.keys')} size="md">
      <dl className={classes.keys}>
        {KEYS.map(([what, keys]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key} className="dc-kbd">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{isOfDirection(what) ? t(`direction.keys.${what}`) : t(`desk.keysOf.${what}`)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
