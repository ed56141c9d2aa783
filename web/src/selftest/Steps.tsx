import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { Icon } from '../design/icons';
import classes from './selftest.module.css';
import type { SelfTestSession, SelfTestState } from './session';

const ORDER = ['camera', 'sound', 'network'] as const;
type Name = (typeof ORDER)[number];
type MarkOf = 'ok' | 'fault' | 'now' | 'later';

function markOf(name: Name, s: SelfTestState): MarkOf {
  const at = s.step === 'done' ? ORDER.length : ORDER.indexOf(s.step as Name);
  const here = ORDER.indexOf(name);
  if (at === here) return 'now';
  if (at < here) return 'later';
  if (name === 'camera') return s.camera.figures.state === 'ok' ? 'ok' : 'fault';
  if (name === 'sound')
    return s.sound.microphone.state === 'ok' && s.sound.speaker.state === 'ok' ? 'ok' : 'fault';
  return s.network.figures?.state === 'ok' ? 'ok' : 'fault';
}

/** Where the test is: number, word, and a mark that greyscale keeps. */
export function Steps({ session }: { session: SelfTestSession }) {
  const { t } = useTranslation();
  const state = useStore(session.store);
  return (
    <nav aria-label={t('selftest.intro')}>
      <ol className={classes.steps}>
        {ORDER.map((name, i) => {
          const mark = markOf(name, state);
          return (
            <li key={name} data-mark={mark} aria-current={mark === 'now' ? 'step' : undefined}>
              <span className={classes.bullet} aria-hidden="true">
                {mark === 'ok' ? <Icon name="check" /> : mark === 'fault' ? <Icon name="close" /> : i + 1}
              </span>
              <span>{t(`selftest.step.${name}`)}</span>
              <span className="dc-hidden">{t(`selftest.mark.${mark}`)}</span>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
