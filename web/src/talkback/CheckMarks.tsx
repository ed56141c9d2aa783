import { useTranslation } from 'react-i18next';
import { useLiveMeeting } from '../desk/useDesk';
import { Icon } from '../design/icons';
import { MicMark } from '../design/marks';
import { formatClock } from '../i18n/format';
import { marksOf } from '../models/talkback';
import siteRow from '../parts/siteRow.module.css';

/** Whether picture and voice of who comes next arrive: a mark, a shape and a word each. `else`: of who is not lined up. */
export function CheckMarks({ site, otherwise }: { site: string; otherwise?: [boolean, boolean] }) {
  const { t } = useTranslation();
  const marks = useLiveMeeting((s) => s.checks[site]) ?? null;
  const found = marksOf(marks === null ? {} : { [site]: marks }, site);
  const [picture, voice] = found === 'unknown' ? (otherwise ?? [false, false]) : [found.picture, found.voice];
  const heard = found === 'unknown' ? null : found.check.voice;
  const unknown = found === 'unknown' ? `. ${t('talkback.lineUp.unknown')}` : '';
  const pictureText = t(picture ? 'talkback.lineUp.picture' : 'talkback.lineUp.noPicture') + unknown;
  const voiceText =
    (heard !== null
      ? t('talkback.lineUp.voice', { time: formatClock(Date.parse(heard.at)), db: String(heard.dbov) })
      : t(voice ? 'talkback.lineUp.voiceNow' : 'talkback.lineUp.noVoice')) + unknown;
  return (
    <span
      className={siteRow.ticks}
      data-testid="check-marks"
      data-site={site}
      data-picture={picture}
      data-voice={voice}
    >
      <span className={siteRow.tick} data-ok={picture} title={pictureText}>
        <Icon name="camera" size={16} />
        <span aria-hidden="true">{picture ? '✓' : '–'}</span>
        <span className="dc-hidden">{pictureText}</span>
      </span>
      <span className={siteRow.tick} data-ok={voice} title={voiceText}>
        <MicMark mic="open" silent />
        <span aria-hidden="true">{voice ? '✓' : '–'}</span>
        <span className="dc-hidden">{voiceText}</span>
      </span>
    </span>
  );
}
