import { Failure } from './failure';
import type { Http } from './http';
import type { Wire } from './socket';
import type { PublisherAnswer, ViewerAnswer } from './types';

/** Where viewers are opened and closed. */
export interface Viewers {
  /** Raises Failure `no_common_codec`, `bad_offer`, `media_unavailable`, `queued`, `busy`, `meeting_not_open`. */
  openViewer(meeting: string, offer: string, replaces: string | null): Promise<ViewerAnswer>;
  closeViewer(viewer: string): Promise<unknown>;
}

/** Where a site's publishers are opened and closed. */
export interface Publishers {
  /** Raises Failure `wrong_state` (nobody asks any more), and what a viewer's opening raises. */
  openPublisher(meeting: string, offer: string): Promise<PublisherAnswer>;
  closePublisher(publisher: string): Promise<unknown>;
}

/** Over the wire while it stands, else by a request of its own: pictures come back also while the wire does not. */
export function viewersOf(
  wire: Pick<Wire, 'openViewer'>,
  http: Pick<Http, 'openViewer' | 'closeViewer'>,
): Viewers {
  return {
    openViewer: (meeting, offer, replaces) =>
      wire.openViewer(meeting, offer, replaces) ?? http.openViewer(meeting, offer, replaces),
    closeViewer: (viewer) => http.closeViewer(viewer),
  };
}

const away = () => Promise.reject(Failure.local('offline', 'A talkback needs the connection to the server'));

/** Of private words: only over the wire, for they end with it; the server closes what no talkback needs. */
export function earsOf(wire: Pick<Wire, 'openEar'>): Viewers {
  return {
    openViewer: (meeting, offer) => wire.openEar(meeting, offer) ?? away(),
    closeViewer: () => Promise.resolve(),
  };
}

export function voicesOf(wire: Pick<Wire, 'openVoice'>): Publishers {
  return {
    openPublisher: (meeting, offer) => wire.openVoice(meeting, offer) ?? away(),
    closePublisher: () => Promise.resolve(),
  };
}

/** The same for what a site sends. */
export function publishersOf(
  wire: Pick<Wire, 'openPublisher'>,
  http: Pick<Http, 'openPublisher' | 'closePublisher'>,
): Publishers {
  return {
    openPublisher: (meeting, offer) =>
      wire.openPublisher(meeting, offer) ?? http.openPublisher(meeting, offer),
    closePublisher: (publisher) => http.closePublisher(publisher),
  };
}
