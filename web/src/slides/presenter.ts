import { createStore, type StoreApi } from 'zustand/vanilla';
import type { IceServers } from '../media/ice';
import { Publisher } from '../media/publisher';
import { codeOf } from '../protocol/failure';
import { newId } from '../protocol/ids';
import {
  PRESENTATION,
  type Codec,
  type CommandName,
  type Commands,
  type MeetingState,
} from '../protocol/types';
import type { Publishers } from '../protocol/viewers';
import { SlideCanvas } from './canvas';
import { Deck, DeckRefused } from './deck';
import { screenTitle } from './named';
import { framesOf, SlideStills, type Take } from './stills';

export interface PresenterState {
  kind: 'none' | 'deck' | 'screen';
  title: string;
  /** Page that is shown, from 1; 0 for a screen. */
  page: number;
  pages: number;
  busy: boolean;
  /** Stable code of what went wrong last; `presentation_running`: somebody else presents. */
  trouble: string | null;
}

/** What this page may show of itself, once it may. */
interface Waiting {
  title: string;
  kind: 'deck' | 'screen';
  track: MediaStreamTrack;
  pages: number;
  still: Take;
}

type Send = <T extends CommandName>(type: T, args: Commands[T]) => Promise<unknown>;

/** H.264 constrained baseline of level 3.1 ends at 720 lines; VP8 has no such end. */
const SIZES: Record<Codec, [width: number, height: number]> = { h264: [1280, 720], vp8: [1920, 1080] };

/** One layer: a page that stands still is cheap, and small letters of a low layer are of no use to anybody. */
const SHARP: RTCRtpEncodingParameters[] = [{ maxBitrate: 1_500_000, maxFramerate: 10 }];

/** Stills of a screen are posted so often; a page's when it is turned, and for a server that forgot it. */
const SCREEN_MS = 4_000;
const PAGE_MS = 30_000;

const NOTHING: PresenterState = {
  kind: 'none',
  title: '',
  page: 0,
  pages: 0,
  busy: false,
  trouble: null,
};

/** What an operator presents from his page: pages of a document, or a screen. */
export class Presenter {
  readonly store: StoreApi<PresenterState> = createStore<PresenterState>(() => NOTHING);
  readonly publisher: Publisher;
  private deck: Deck | null = null;
  private canvas: SlideCanvas | null = null;
  private shared: MediaStreamTrack | null = null;
  private waiting: Waiting | null = null;
  private state: MeetingState | null = null;
  /** The presentation that is ours, once the meeting has said so. */
  private key: string | null = null;
  private confirmed = false;
  private readonly stills: SlideStills;

  /** `post`: keeps a still of what is presented, taken at that time (`performance.now`). */
  constructor(
    private readonly send: Send,
    door: Publishers,
    ice: IceServers,
    post: (meeting: string, picture: Blob, takenAt: number) => Promise<void>,
  ) {
    this.stills = new SlideStills(post);
    this.publisher = new Publisher(door, ice, SHARP);
  }

  get current(): Deck | null {
    return this.deck;
  }

  /** Opens a document and presents its first page. */
  async open(file: File): Promise<void> {
    if (this.state === null || this.store.getState().busy) return;
    this.drop();
    this.store.setState({ ...NOTHING, busy: true });
    try {
      const [width, height] = SIZES[this.state.codec];
      this.deck = await Deck.open(file, width, height);
      const canvas = new SlideCanvas(width, height);
      this.canvas = canvas;
      canvas.show(await this.deck.page(1));
      const { title, pages } = this.deck;
      const still = () => Promise.resolve({ source: canvas.picture, width, height });
      this.waiting = { title: title || file.name, kind: 'deck', track: canvas.track, pages, still };
      await this.begin(false);
    } catch (error) {
      this.drop();
      this.fail(error instanceof DeckRefused ? error.code : 'pdf_bad');
    }
  }

  /** Asks which screen or window, and presents it. */
  async share(): Promise<void> {
    if (this.state === null || this.store.getState().busy) return;
    this.store.setState({ busy: true, trouble: null });
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { max: 10 }, width: { max: 1920 }, height: { max: 1080 } },
        audio: false,
      });
      const [track] = stream.getVideoTracks();
      if (track === undefined) throw new Error('a screen without a track');
      this.drop();
      track.contentHint = 'detail';
      track.addEventListener('ended', () => void this.close());
      this.shared = track;
      const still = framesOf(track);
      const title = screenTitle(track.label);
      this.waiting = { title, kind: 'screen', track, pages: 0, still };
      await this.begin(false);
    } catch (error) {
      // Who closes the question has changed his mind: nothing to say.
      const changed = error instanceof DOMException && error.name === 'NotAllowedError';
      this.fail(changed ? null : 'share_failed');
    }
  }

  /** In the place of who presents now. */
  async replace(): Promise<void> {
    if (this.waiting === null) return;
    this.store.setState({ busy: true, trouble: null });
    await this.begin(true);
  }

  next = (): Promise<void> => this.go(this.store.getState().page + 1);
  previous = (): Promise<void> => this.go(this.store.getState().page - 1);

  async go(page: number): Promise<void> {
    const { deck, canvas } = this;
    if (deck === null || canvas === null || page < 1 || page > deck.pages) return;
    this.store.setState({ page });
    try {
      const drawn = await deck.page(page);
      // Of two quick presses the later page counts.
      if (this.store.getState().page !== page || this.canvas !== canvas) return;
      canvas.show(drawn);
      this.stills.changed();
      if (page < deck.pages) void deck.page(page + 1).catch(() => undefined);
    } catch {
      this.store.setState({ trouble: 'pdf_bad' });
    }
  }

  /** Ends what this page presents, or what it was about to. */
  async close(): Promise<void> {
    const { key } = this;
    this.drop();
    this.store.setState(NOTHING);
    if (key !== null) await this.send('presentation.end', { key }).catch(() => undefined);
  }

  /** What the meeting says: who presents, and in which codec. */
  obey(state: MeetingState): void {
    this.state = state;
    const running = state.status === 'open' ? (state.stage.presentation?.key ?? null) : null;
    if (this.key === null) return;
    // To lines that carry no video a page on the stage is shown as a still; of a marked meeting none is kept.
    const shown = state.stage.on_air.includes(PRESENTATION) && state.secrecy === 'none';
    this.stills.run(running === this.key && shown ? state.id : null);
    if (running === this.key) this.confirmed = true;
    else if (this.confirmed) {
      // Ended by somebody, taken over, or given up as lost while this page was away.
      this.drop();
      this.store.setState({ ...NOTHING, trouble: 'presentation_over' });
    }
  }

  stop(): void {
    this.drop();
    this.publisher.stop();
  }

  private async begin(replace: boolean): Promise<void> {
    const { waiting, state } = this;
    if (waiting === null || state === null) return;
    const key = `tab-${newId()}`.slice(0, 64);
    this.key = key;
    this.confirmed = false;
    try {
      await this.send('presentation.start', { key, title: waiting.title, ...(replace ? { replace } : {}) });
    } catch (error) {
      this.key = null;
      this.store.setState({ busy: false, trouble: codeOf(error), title: waiting.title });
      return;
    }
    if (this.key !== key) return;
    this.waiting = null;
    this.publisher.setSource(null, waiting.track);
    this.publisher.publish(state.id, state.codec);
    this.stills.show(waiting.still, waiting.kind === 'deck' ? PAGE_MS : SCREEN_MS);
    this.store.setState({
      ...NOTHING,
      kind: waiting.kind,
      title: waiting.title,
      page: waiting.kind === 'deck' ? 1 : 0,
      pages: waiting.pages,
    });
  }

  private fail(trouble: string | null): void {
    this.store.setState({ ...this.store.getState(), busy: false, trouble });
  }

  private drop(): void {
    this.key = null;
    this.waiting = null;
    this.stills.run(null);
    this.stills.show(null, 0);
    this.publisher.stop();
    this.publisher.setSource(null, null);
    this.deck?.close();
    this.canvas?.close();
    this.shared?.stop();
    this.deck = this.canvas = this.shared = null;
  }
}
