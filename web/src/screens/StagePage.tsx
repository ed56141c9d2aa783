import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { SpeakerClock } from '../floor/Clock';
import { formatDay } from '../i18n/format';
import { awaitsPicture } from '../models/live';
import { AudioLines } from '../parts/AudioLines';
import { Picture } from '../parts/Picture';
import { useNow } from '../parts/useNow';
import { Opened } from './Open';
import { ScreenSession, STAGE_LINES } from './session';
import classes from './stage.module.css';
import { useFacet, useLive, useMeeting, useName, useScreen } from './useScreen';

/** The stage and nothing else: for a projector, a second monitor, a capture card. */
export default function StagePage() {
  return (
    <Opened
      make={(http, meeting, tab, label) =>
        new ScreenSession(http, meeting, tab, {
          kind: 'stage',
          videoLines: STAGE_LINES,
          topics: [],
          roster: false,
          label,
        })
      }
    >
      <Output />
    </Opened>
  );
}

function Output() {
  const { t } = useTranslation();
  const session = useScreen();
  const state = useMeeting();
  const streams = useStore(session.viewer.store, (s) => s.video);
  const slots = state?.status === 'open' ? state.stage.on_air : [null];
  const nothing = slots.every((site) => site === null);
  return (
    <main className={classes.output} aria-label={t('screens.stage')} data-testid="stage-output">
      <div className={classes.screen} data-size={slots.length}>
        {Array.from({ length: STAGE_LINES }, (_, line) => (
          <Slot
            key={line}
            line={line}
            site={slots[line] ?? null}
            used={line < slots.length}
            stream={streams[line] ?? null}
          />
        ))}
      </div>
      <Clock />
      {nothing && state !== null && <Holding title={state.title} />}
      <AudioLines viewer={session.viewer} sound={session.sound} />
    </main>
  );
}

function Slot({
  line,
  site,
  used,
  stream,
}: {
  line: number;
  site: string | null;
  used: boolean;
  stream: MediaStream | null;
}) {
  const captions = useFacet((s) => s.show.captions);
  const { title, path } = useName(site);
  const [live, setLive] = useState(false);
  const awaited = useLive((s) => awaitsPicture(s, site));
  return (
    <figure className={classes.slot} hidden={!used}>
      <Picture
        stream={stream}
        testid={`output-video-${line}`}
        label={title}
        hidden={site === null}
        onLive={setLive}
      />
      {captions && site !== null && live && !awaited && (
        <figcaption className={classes.caption} data-testid="output-caption">
          <b>{title}</b>
          {path !== '' && <span>{path}</span>}
        </figcaption>
      )}
    </figure>
  );
}

/** What who speaks still has, where there is a limit: an audience keeps time, too. */
function Clock() {
  const skew = useStore(useScreen().wire.state, (s) => s.skew);
  const until = useMeeting()?.floor.speakers.find((s) => s.until !== null)?.until ?? null;
  return (
    <div className={classes.clock}>
      <SpeakerClock until={until} skew={skew} large />
    </div>
  );
}

/** What an audience sees while nothing is on air. */
function Holding({ title }: { title: string }) {
  const { t } = useTranslation();
  return (
    <div className={classes.holding} data-testid="output-holding">
      <p className={classes.product}>{t('app.name')}</p>
      <h1>{title}</h1>
      <p>{formatDay(useNow())}</p>
    </div>
  );
}
