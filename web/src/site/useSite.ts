import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { http, tab } from '../http';
import { siteView, type Face, type Fault } from '../models/site';
import { useNow } from '../parts/useNow';
import type { MeetingState, Mic, You } from '../protocol/types';
import { SiteSession } from './session';

/** The page's one session: started when the page opens, closed with it. */
export function useSession(): SiteSession {
  const [session] = useState(() => new SiteSession(http, tab));
  useEffect(() => {
    session.start();
    return () => session.close();
  }, [session]);
  return session;
}

export interface SiteScene {
  face: Face;
  fault: Fault | null;
  you: You | null;
  state: MeetingState | null;
  me: string | null;
  mic: Mic;
  armed: boolean;
  /** It may open its own microphone: it has the floor, or it is the chair's. */
  hasFloor: boolean;
  handUp: boolean;
}

/** Everything the page's parts look at, put together once. */
export function useScene(session: SiteSession): SiteScene {
  const wire = useStore(session.wire.state);
  const devices = useStore(session.devices.store);
  const armed = useStore(session.sound.store, (s) => s.armed);
  const viewer = useStore(session.viewer.store, (s) => s.phase);
  const publisher = useStore(session.publisher.store, (s) => s.phase);
  const online = useStore(session.store, (s) => s.online);
  const state = useStore(session.meeting.store, (s) => s.state);
  const now = useNow();
  const me = wire.who?.id ?? null;
  const inMeeting = wire.you?.in !== null && wire.you?.in === state?.id ? state : null;
  const view = siteView({
    link: wire.link,
    conflict: wire.conflict,
    downMs: wire.downSince === null ? null : now - wire.downSince,
    online,
    queue: wire.queue,
    you: wire.you,
    armed,
    camera: devices.camera,
    mic: devices.mic,
    viewer,
    publisher,
  });
  return {
    ...view,
    you: wire.you,
    state: inMeeting,
    me,
    mic: wire.you?.mic ?? 'off',
    armed,
    hasFloor:
      me !== null &&
      inMeeting !== null &&
      (inMeeting.chair_site === me || inMeeting.floor.speakers.some((s) => s.site === me)),
    handUp: me !== null && (inMeeting?.floor.hands.some((h) => h.site === me) ?? false),
  };
}
