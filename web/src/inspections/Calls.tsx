import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { useDesk, useLiveMeeting, useMeetingState } from '../desk/useDesk';
import { useRefusals } from '../desk/useRefusals';
import { formatExact, formatShortSpan } from '../i18n/format';
import { answeredAfter, isOver, isUntaken } from '../models/calls';
import { useNow } from '../parts/useNow';
import type { Call } from '../protocol/types';
import siteRow from '../parts/siteRow.module.css';
import { CallMark } from './CallMark';
import classes from './calls.module.css';
import { InspectionDialog } from './InspectionDialog';

/** The calls out of this meeting, newest first: where each stands, and what comes next when nobody takes it. */
export function Calls() {
  const { t } = useTranslation();
  const calls = useLiveMeeting((s) => s.calls);
  const [recording, setRecording] = useState<string | null>(null);
  if (calls.length === 0) return null;
  return (
    <section className={classes.calls} data-region="calls" aria-label={t('inspections.calls')}>
      <h2 className={siteRow.head}>{t('inspections.calls')}</h2>
      <ul className={siteRow.list} aria-live="polite">
        {[...calls].reverse().map((call) => (
          <Entry key={call.id} call={call} onRecord={setRecording} />
        ))}
      </ul>
      <InspectionDialog inspection={recording} may onClose={() => setRecording(null)} />
    </section>
  );
}

function Entry({ call, onRecord }: { call: Call; onRecord: (id: string) => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const skew = useStore(session.wire.state, (s) => s.skew);
  const now = useNow() + skew;
  const inPreview = useMeetingState()?.stage.preview.includes(call.site) ?? false;
  const onAir = useMeetingState()?.stage.on_air.includes(call.site) ?? false;
  const why = useRefusals()('call.start');
  const over = isOver(call);
  const after = answeredAfter(call);
  return (
    <li
      className={`${siteRow.row} ${classes.call}`}
      data-testid="call"
      data-site={call.site}
      data-state={call.state}
      data-call={call.id}
    >
      <CallMark state={call.state} />
      <button
        type="button"
        className={`${siteRow.name} ${classes.name}`}
        title={call.path}
        onClick={() => session.select({ kind: 'site', id: call.site })}
      >
        {call.label}
        <small>{call.path}</small>
      </button>
      <span className={classes.state}>
        {t(`inspections.state.${call.state}`)}
        <time title={formatExact(Date.parse(call.at))}>
          {over ? '' : ` · ${formatShortSpan(now - Date.parse(call.live_at ?? call.at))}`}
        </time>
        {after !== null && call.answer === 'ring' && (
          <small> · {t('inspections.answeredAfter', { seconds: after })}</small>
        )}
        {call.answer === 'auto' && !isUntaken(call) && <small> · {t('inspections.byItself')}</small>}
      </span>
      <span className={`${siteRow.actions} ${classes.do}`}>
        {call.live_at !== null && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => onRecord(call.id)}
            data-testid="call-record"
          >
            {t('inspections.record')}
          </Button>
        )}
        <Button
          size="compact-xs"
          variant={over ? 'subtle' : 'default'}
          color="gray"
          disabled={onAir || why !== undefined}
          title={why}
          onClick={() => void session.command('call.end', { call: call.id })}
          data-testid="call-end"
        >
          {over ? t('inspections.dismiss') : t('inspections.hangUp')}
        </Button>
      </span>
      {call.state === 'live' && inPreview && !onAir && (
        <p className={classes.hint}>{t('inspections.toStage')}</p>
      )}
      {isUntaken(call) && <Instead call={call} />}
    </li>
  );
}

/** Nobody took it: the post's phones, then the sites of the levels above; every step is recorded. */
function Instead({ call }: { call: Call }) {
  const { t } = useTranslation();
  const session = useDesk();
  const why = useRefusals()('call.start');
  const phoned = (phone: number, reached: boolean) =>
    void session.command('call.phoned', { call: call.id, phone, reached });
  return (
    <div className={classes.instead}>
      <h3>{t('inspections.phones')}</h3>
      {call.phones.length === 0 && <p>{t('inspections.noPhones')}</p>}
      <ul>
        {call.phones.map((phone, i) => {
          const last = call.phoned.findLast((p) => p.phone === i);
          return (
            <li key={i}>
              <a href={`tel:${phone.replaceAll(/[^+\d]/g, '')}`}>{phone}</a>
              <Button
                size="compact-xs"
                variant="default"
                disabled={why !== undefined}
                title={why}
                onClick={() => phoned(i, true)}
                data-testid="phoned"
              >
                {t('inspections.reached')}
              </Button>
              <Button
                size="compact-xs"
                variant="default"
                disabled={why !== undefined}
                title={why}
                onClick={() => phoned(i, false)}
              >
                {t('inspections.notReached')}
              </Button>
              {last && (
                <small title={formatExact(Date.parse(last.at))}>
                  {t('inspections.phoned')}:{' '}
                  {t(last.reached ? 'inspections.phonedReached' : 'inspections.phonedNot')}
                </small>
              )}
            </li>
          );
        })}
      </ul>
      <h3>{t('inspections.above')}</h3>
      {call.above.length === 0 && <p>{t('inspections.aboveNone')}</p>}
      <ul>
        {call.above.map((step) => (
          <li key={step.site}>
            <Button
              size="compact-xs"
              variant="default"
              disabled={why !== undefined}
              title={why}
              onClick={() => void session.dial(step.site, call.id)}
              data-testid="call-above"
              data-site={step.site}
            >
              {t('inspections.call')}
            </Button>
            <span>
              {step.label}
              {!step.online && <small> · {t('inspections.state.offline')}</small>}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
