import { Button } from '@mantine/core';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { heardAt } from '../models/talkback';
import { AudioLines } from '../parts/AudioLines';
import type { SiteSession } from '../site/session';
import type { SiteScene } from '../site/useSite';
import classes from './banner.module.css';

/** Held longer than this, "talk" ends with the release; else it stays until it is pressed again. */
const HELD_MS = 500;

/** Somebody speaks with this site in private: said so that nobody misses it, with everything to answer by. */
export function TalkBanner({ session, scene }: { session: SiteSession; scene: SiteScene }) {
  const { t } = useTranslation();
  const talks = scene.you?.talks ?? [];
  const heard = heardAt(talks);
  const [first] = talks;
  const tapped = talks.every((talk) => talk.clear === first?.clear) ? (first?.clear ?? null) : null;
  const micOpen = scene.mic === 'open';
  return (
    <>
      <AudioLines viewer={session.talk.ear} sound={session.talk.sound} />
      {first !== undefined && (
        <section
          className={classes.banner}
          role="alert"
          data-speaks={heard.speaks}
          data-answers={heard.answers}
          data-testid="talk-banner"
        >
          <svg className={classes.mark} viewBox="0 0 48 48" aria-hidden="true">
            <path d="M8 26v-4a16 16 0 0 1 32 0v4M8 26h6v12H8zM34 26h6v12h-6zM37 38c0 4-5 6-11 6" />
          </svg>
          <div className={classes.words}>
            <h2>{t(heard.speaks ? 'talkback.site.speaking' : 'talkback.site.open')}</h2>
            <p>
              <strong>{t('talkback.site.by', { name: heard.names.join(', ') })}</strong>{' '}
              {t('talkback.site.private')}
              {talks.some((talk) => talk.together) && <> {t('talkback.site.together')}</>}
            </p>
            {micOpen && <p className={classes.open}>{t('talkback.site.micOpen')}</p>}
          </div>
          <div className={classes.buttons}>
            {!scene.armed && (
              <Button
                size="lg"
                fz={18}
                leftSection={<Icon name="sound" size={24} />}
                onClick={() => void session.arm()}
              >
                {t('talkback.site.arm')}
              </Button>
            )}
            {!micOpen && <Speak session={session} on={heard.answers} />}
            <Button
              size="lg"
              fz={18}
              variant={tapped === true ? 'filled' : 'default'}
              aria-pressed={tapped === true}
              onClick={() => void session.tap(true)}
              data-testid="talk-clear"
            >
              {t('talkback.clear')}
            </Button>
            <Button
              size="lg"
              fz={18}
              variant={tapped === false ? 'filled' : 'default'}
              aria-pressed={tapped === false}
              onClick={() => void session.tap(false)}
              data-testid="talk-not-clear"
            >
              {t('talkback.notClear')}
            </Button>
            <Button
              size="lg"
              fz={18}
              variant="default"
              onClick={() => void session.endTalks()}
              data-testid="talk-close"
            >
              {t('talkback.site.end')}
            </Button>
          </div>
        </section>
      )}
    </>
  );
}

/** Pressed: on until pressed again; held: on while it is held. */
function Speak({ session, on }: { session: SiteSession; on: boolean }) {
  const { t } = useTranslation();
  const down = useRef<number | null>(null);
  const began = useRef(false);
  const press = () => {
    down.current = performance.now();
    began.current = !on;
    if (!on) void session.sayPrivately(true);
  };
  const release = () => {
    if (down.current === null) return;
    const held = performance.now() - down.current > HELD_MS;
    down.current = null;
    if (!began.current || held) void session.sayPrivately(false);
  };
  return (
    <Button
      size="lg"
      fz={18}
      className={classes.speak}
      data-on={on}
      aria-pressed={on}
      title={t('talkback.site.speakHint')}
      leftSection={<Icon name={on ? 'pause' : 'sound'} size={24} />}
      onPointerDown={press}
      onPointerUp={release}
      onPointerLeave={release}
      onPointerCancel={release}
      onClick={(event) => {
        // By the keyboard there is no pointer: it is a switch.
        if (event.detail === 0) void session.sayPrivately(!on);
      }}
      data-testid="talk-answer"
    >
      {t(on ? 'talkback.site.answering' : 'talkback.site.speak')}
    </Button>
  );
}

/** Before the cut: the machine looks, nobody hears. */
export function LinedUp({ scene }: { scene: SiteScene }) {
  const { t } = useTranslation();
  // Who answers in private is heard, if only by who speaks with it.
  if (scene.you?.checked !== true || (scene.you.talks ?? []).some((talk) => talk.answers)) return null;
  return (
    <p className={classes.checked} role="status" data-testid="lined-up-note">
      <Icon name="camera" size={20} />
      {t('talkback.site.checked')}
    </p>
  );
}
