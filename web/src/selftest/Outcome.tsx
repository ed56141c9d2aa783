import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import { formatRate, formatShare } from '../i18n/format';
import { useErrorText } from '../parts/useErrorText';
import type { SelfTestAdvice, TestFigures } from '../protocol/types';
import classes from './selftest.module.css';
import type { SelfTestSession } from './session';

/** Passed or not, what to do, and the figures behind it. */
export function Outcome({ session }: { session: SelfTestSession }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const { result, trouble } = useStore(session.store);
  if (result === null)
    return (
      <div className={classes.card} role="alert">
        <p className={classes.fault}>
          <Icon name="warning" size={28} />
          <span>
            {t('selftest.done.notSent')} {trouble === null ? '' : errorText(trouble)}
          </span>
        </p>
        <Button size="lg" onClick={() => void session.report()}>
          {t('selftest.done.resend')}
        </Button>
      </div>
    );
  const faults = result.advice.filter((a) => a.fault);
  const notes = result.advice.filter((a) => !a.fault);
  return (
    <div className={classes.card} data-testid="self-test-result" data-passed={result.passed}>
      <div className={classes.verdict} data-passed={result.passed} role="status">
        <Icon name={result.passed ? 'check' : 'warning'} size={44} />
        <div>
          <p className={classes.verdictWord}>
            {result.passed ? t('selftest.done.passed') : t('selftest.done.failed')}
          </p>
          <p>{result.passed ? t('selftest.done.passedText') : t('selftest.done.failedText')}</p>
        </div>
      </div>
      <AdviceList title={t('selftest.done.advice')} advice={faults} />
      <AdviceList title={t('selftest.done.notes')} advice={notes} />
      <div className={classes.actions}>
        <Button
          size="lg"
          variant={result.passed ? 'filled' : 'default'}
          onClick={() => void navigate('/diem-cau')}
          data-testid="self-test-leave"
        >
          {t('selftest.done.toSite')}
        </Button>
        <Button
          size="lg"
          variant={result.passed ? 'default' : 'filled'}
          onClick={() => void session.start()}
          data-testid="self-test-restart"
        >
          {t('selftest.done.again')}
        </Button>
      </div>
      <Figures figures={result.figures as unknown as TestFigures} />
      <p className={classes.why}>{t('selftest.done.sent')}</p>
    </div>
  );
}

function AdviceList({ title, advice }: { title: string; advice: readonly SelfTestAdvice[] }) {
  const { i18n } = useTranslation();
  if (advice.length === 0) return null;
  return (
    <section className={classes.advice}>
      <h2>{title}</h2>
      <ul>
        {advice.map((a) => (
          <li key={a.code} data-code={a.code}>
            {i18n.language === 'en' ? a.en : a.vi}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Figures({ figures }: { figures: TestFigures }) {
  const { t } = useTranslation();
  const { camera, microphone, speaker, network } = figures;
  const none = t('selftest.done.notMeasured');
  const rate = (kbps: number | null | undefined) =>
    typeof kbps === 'number' ? t('selftest.done.atLeast', { rate: formatRate(kbps * 1000) }) : none;
  const losses = [network.down_loss, network.up_loss].filter((l) => typeof l === 'number');
  const ways = (['udp', 'tcp', 'relay'] as const).filter((way) => typeof network[way] === 'boolean');
  const rows: [string, string][] = [
    [
      t('selftest.done.camera'),
      camera.state === 'ok' || camera.width > 0
        ? t('selftest.done.cameraFigures', { width: camera.width, height: camera.height })
        : none,
    ],
    [t('selftest.done.microphone'), microphone.state === 'ok' ? t('selftest.done.microphoneOk') : none],
    [
      t('selftest.done.speaker'),
      speaker.state !== 'ok'
        ? none
        : speaker.by_microphone
          ? t('selftest.done.speakerBoth')
          : t('selftest.done.speakerEar'),
    ],
    [t('selftest.done.down'), rate(network.down_kbps)],
    [t('selftest.done.up'), rate(network.up_kbps)],
    [t('selftest.done.loss'), losses.length > 0 ? formatShare(Math.max(...losses)) : none],
    [
      t('selftest.done.rtt'),
      typeof network.rtt_ms === 'number' ? t('selftest.done.ms', { n: network.rtt_ms }) : none,
    ],
    ...ways.map((way): [string, string] => [
      t(`selftest.done.way.${way}`),
      network[way] === true ? t('selftest.done.wayOk') : t('selftest.done.wayNo'),
    ]),
    [t('selftest.done.browser'), `${figures.browser}, ${figures.os}`],
  ];
  return (
    <dl className={classes.figures} data-testid="self-test-figures">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
