import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import { SpeakerClock } from '../floor/Clock';
import { formatDay } from '../i18n/format';
import { awaitsPicture } from '../models/live';
import { lookOf } from '../models/stage';
import { AudioLines } from '../parts/AudioLines';
import { Picture } from '../parts/Picture';
import { useNow } from '../parts/useNow';
import { PRESENTATION } from '../protocol/types';
import { Caption, captionOf } from '../stage/Caption';
import { HoldingPicture, NoSlides, Still } from '../stage/HoldingPicture';
import { StageFrame, type SlotPlace } from '../stage/StageFrame';
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
  const stage = state?.status === 'open' ? state.stage : undefined;
  const look = lookOf(stage, 'on_air');
  const hold = stage?.hold ?? null;
  const nothing = look.slots.every((site) => site === null);
  return (
    <main className={classes.output} aria-label={t('screens.stage')} data-testid="stage-output">
      <StageFrame
        look={look}
        over={
          state !== null &&
          (hold !== null ? (
            <HoldingPicture title={state.title} hold={hold} testid="output-hold" />
          ) : (
            nothing && <Holding title={state.title} />
          ))
        }
      >
        {(place) => <Slot place={place} stream={streams[place.line] ?? null} dark={hold !== null} />}
      </StageFrame>
      <Clock />
      <AudioLines viewer={session.viewer} sound={session.sound} />
    </main>
  );
}

function Slot({
  place: { line, slot: site, small },
  stream,
  dark,
}: {
  place: SlotPlace;
  stream: MediaStream | null;
  dark: boolean;
}) {
  const captions = useFacet((s) => s.show.captions);
  const state = useMeeting();
  const slides = site === PRESENTATION;
  const name = useName(slides ? null : site);
  const [live, setLive] = useState(false);
  const awaited = useLive((s) => awaitsPicture(s, site));
  return (
    <>
      <Picture
        stream={stream}
        testid={`output-video-${line}`}
        label={name.title}
        hidden={site === null || dark}
        onLive={setLive}
      />
      {slides && !live && !dark && <NoSlides ended={state?.stage.presentation === null} />}
      {captions &&
        state?.stage.captions.on === true &&
        site !== null &&
        !slides &&
        !dark &&
        live &&
        !awaited && <Caption words={captionOf(state, site, name)} small={small} testid="output-caption" />}
    </>
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
  return <Still testid="output-holding" head={t('app.name')} large={title} title={formatDay(useNow())} />;
}
