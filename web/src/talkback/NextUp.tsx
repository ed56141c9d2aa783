import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useDesk, useLiveMeeting, useMeetingState, useNames, useRosterVersion } from '../desk/useDesk';
import { useRefusals } from '../desk/useRefusals';
import { Icon } from '../design/icons';
import { formatNumber } from '../i18n/format';
import { LINE } from '../models/floor';
import siteRow from '../parts/siteRow.module.css';
import { CheckMarks } from './CheckMarks';
import classes from './talkback.module.css';

/** Who comes next: asked to send, looked at by the machine, shown to nobody; the first goes to the preview by one key. */
export function NextUp() {
  const { t } = useTranslation();
  const session = useDesk();
  useMeetingState();
  useLiveMeeting((s) => s.checks);
  const line = session.line();
  const names = useNames();
  const why = useRefusals();
  useRosterVersion();
  if (line.length === 0) return null;
  return (
    <section
      className={classes.panel}
      data-region="line-up"
      aria-label={t('talkback.lineUp.title')}
      data-testid="line-up"
    >
      <h2 className={siteRow.head}>
        {t('talkback.lineUp.title')}
        <span>
          {formatNumber(line.length)}/{formatNumber(LINE)}
        </span>
      </h2>
      <ol className={siteRow.list}>
        {line.map(({ site, byList }, place) => {
          const { title } = names(site);
          const absent = session.roster.sites.get(site)?.joined === false;
          return (
            <li
              key={site}
              className={`${siteRow.row} ${classes.next}`}
              data-site={site}
              data-by-list={byList}
              data-testid="lined-up"
            >
              <span className={siteRow.place}>{place + 1}</span>
              <button
                type="button"
                className={siteRow.name}
                title={title}
                onClick={() => session.select({ kind: 'site', id: site })}
              >
                {title}
                {byList && (
                  <small title={t('talkback.lineUp.byListHint')}>{t('talkback.lineUp.byList')}</small>
                )}
                {absent && <small>{t('talkback.lineUp.absent')}</small>}
              </button>
              <CheckMarks site={site} />
              <span className={`${siteRow.actions} ${classes.do}`}>
                <Button
                  size="compact-xs"
                  variant={place === 0 ? 'filled' : 'default'}
                  disabled={why('stage.preview') !== undefined}
                  title={why('stage.preview') ?? t('talkback.lineUp.next')}
                  onClick={() => void session.preview(site)}
                >
                  <span className={siteRow.long}>{t('talkback.lineUp.next')}</span>
                  <span className="dc-hidden">: {title}</span>
                  {place > 0 && (
                    <span className={siteRow.short}>
                      <Icon name="screen" size={14} />
                    </span>
                  )}
                  {place === 0 && <kbd className={`dc-kbd ${classes.key}`}>N</kbd>}
                </Button>
                {place > 0 && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t('talkback.lineUp.upOf', { name: title })}
                    disabled={why('stage.line_up') !== undefined}
                    title={why('stage.line_up') ?? t('talkback.lineUp.up')}
                    onClick={() => void session.command('stage.line_up', { site, place: place - 1 })}
                  >
                    <span className={siteRow.long}>{t('talkback.lineUp.up')}</span>
                    <span className={siteRow.short}>
                      <Icon name="up" size={14} />
                    </span>
                  </Button>
                )}
                {!byList && (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="gray"
                    aria-label={t('talkback.lineUp.removeOf', { name: title })}
                    disabled={why('stage.line_up') !== undefined}
                    title={why('stage.line_up') ?? t('talkback.lineUp.remove')}
                    onClick={() => void session.lineUp(site)}
                  >
                    <Icon name="close" size={14} />
                  </Button>
                )}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
