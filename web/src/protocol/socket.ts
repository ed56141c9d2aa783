import { createStore, type StoreApi } from 'zustand/vanilla';
import { asProblem, codeOf, Failure } from './failure';
import type {
  CommandName,
  Commands,
  Ephemeral,
  FromServer,
  Me,
  MeetingState,
  RehearsalSays,
  IceServersAnswer,
  ScreenKind,
  ScreenOrder,
  ScreenStatus,
  Show,
  PublisherAnswer,
  Step,
  StreamEvent,
  ViewerAnswer,
  You,
} from './types';

/** What the wire needs of the world; tests bring their own. */
export interface World {
  connect(url: string): SocketLike;
  now(): number;
  after(ms: number, run: () => void): () => void;
  /** 0 to 1. */
  random(): number;
  newId(): string;
  /** True when the server says that nobody is logged in: a refused handshake does not tell why. */
  loggedOut(): Promise<boolean>;
  /** What a site's page needs and a desk's does not: a session before it connects (`fresh`: a new one), and the answer
   * to the challenge that comes with every connection. */
  device?: { prepare(fresh: boolean): Promise<void>; prove(nonce: string): Promise<string> };
}

export interface SocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason?: string }) => void) | null;
}

export type Link = 'connecting' | 'open' | 'waiting' | 'replaced' | 'not_authenticated' | 'closed';

/** Media connections, by the server's names. */
export interface MediaNames {
  viewers: string[];
  publishers: string[];
}

export interface WireState {
  link: Link;
  /** Since when the link is not open (ms), null while it is. */
  downSince: number | null;
  who: Me | null;
  /** It was another machine with the same key that replaced us. */
  conflict: boolean;
  you: You | null;
  /** What the server last said of media connections that ended. */
  gone: (MediaNames & { turn: boolean }) | null;
  /** What the server last said of those that exist. */
  standing: MediaNames | null;
  /** What the line carries of those of our viewers of which the server has said so. */
  steps: Readonly<Record<string, Step>>;
  /** Server's clock minus ours, ms. */
  skew: number;
  /** Where we stand at the door, null when we do not wait there. */
  queue: Queue | null;
  /** Times that the server has said that it is our turn. */
  turns: number;
  /** Seconds between two pictures that we are to post. */
  pictureS: number;
  /** Sites that wait to be let in. */
  waiting: number;
  /** Rises when something on the board of running meetings has changed. */
  board: number;
  /** The relays for media connections as the server last gave them. */
  ice: IceServersAnswer | null;
  /** What this window was last told to show; `n` counts, so that an order given twice is two. */
  screen: { show: Show; order: ScreenOrder | null; n: number } | null;
  /** Why the server does not take this page for a window. */
  screenRefused: string | null;
}

/** How a window on another monitor names itself, and what it showed. */
export interface OpenScreen {
  screen: string;
  meeting: string;
  kind: ScreenKind;
  label: string;
  status: ScreenStatus;
  show: Show;
}

/** A place at the door: 1 is the next. `seconds`: until our turn, about. */
export interface Queue {
  place: number;
  of: number;
  seconds: number;
}

export interface StreamHandler {
  snap(state: MeetingState, seq: number): void;
  ev(event: StreamEvent): void;
  eph(message: Ephemeral): void;
  /** The server does not let us follow it; `code` is stable. What passes by itself is not said: the wire asks again. */
  refused(code: string): void;
}

interface Subscription {
  stream: string;
  topics: string[];
  handler: StreamHandler;
  seq: number | null;
  /** A `sub` is on its way: what does not follow `seq` meanwhile comes again with its answer. */
  asked: boolean;
  /** Beats heard while asked: an answer that is lost must not stop us for ever. */
  patience: number;
  /** Times the server was not able to answer since it last was. */
  failures: number;
  /** Ends the wait before the next `sub`, null when none is waited for. */
  cancelAgain: (() => void) | null;
}

interface Waiting {
  frame: string;
  resolve(seq: number): void;
  reject(failure: Failure): void;
  cancel(): void;
}

/** A media connection that is being opened; asked once, for its offer is good once. */
interface Opening {
  resolve(answer: unknown): void;
  reject(failure: Failure): void;
  cancel(): void;
}

export const REPLACED = 4003;
const NOT_AUTHENTICATED = 4001;
const GOING_AWAY = 4009;
/** Codes of a browser that is no site: only a new sheet helps. */
const NO_SITE: ReadonlySet<string> = new Set([
  'not_authenticated',
  'device_ended',
  'insecure',
  'storage_refused',
]);
/** A command older than this is not sent again: a cut must not happen long after the key was pressed. */
const COMMAND_MS = 8_000;
const OPENING_MS = 15_000;
/** The server takes frames of at most 64 kB. */
const MAX_FRAME = 60_000;
const MAX_WAITING = 64;
const STEPS_KEPT = 7;
const FIRST_BEAT_S = 5;
const PICTURE_S = 20;
/** The challenge comes with the connection itself. */
const CHALLENGE_MS = 3_000;
/** The server takes 60 s without a word for an end. */
const PONG_MS = 18_000;
const SILENT_BEATS = 3;
/** Refusals of a `sub` that say nothing of us: the database was away for a moment. */
const PASSING: ReadonlySet<string> = new Set(['busy', 'storage_unavailable', 'internal']);
const UNKNOWN = { code: 'unknown', status: 0, title: 'refused' };

/** Seconds to wait before attempt `n` (0 is the first): 1, 2, 4, 6, 6 ..., times 0.5 to 1.5: back within 10 s. */
export function backoff(n: number, random: number): number {
  return Math.min(6, 2 ** Math.min(n, 3)) * (0.5 + random);
}

/** One WebSocket that comes back by itself, with streams that have no gaps and commands that happen once. */
export class Wire {
  readonly state: StoreApi<WireState>;
  private socket: SocketLike | null = null;
  /** The attempt that is getting its session; null when none is. */
  private preparing: object | null = null;
  /** A session that the server did not take was renewed once since the last welcome. */
  private renewed = false;
  private told: { op: 'page'; hidden: boolean } | null = null;
  private onBoard = false;
  private window: OpenScreen | null = null;
  private readonly subs = new Map<string, Subscription>();
  private readonly waiting = new Map<string, Waiting>();
  private readonly opening = new Map<string, Opening>();
  private attempt = 0;
  private beatMs = FIRST_BEAT_S * 1000;
  private welcomed = false;
  private pongedAt = Number.NEGATIVE_INFINITY;
  private cancelRetry: (() => void) | null = null;
  private cancelAnswer: (() => void) | null = null;
  private cancelSilence: (() => void) | null = null;

  constructor(
    private readonly url: string,
    private readonly kind: 'site' | 'desk',
    private readonly tab: string,
    private readonly world: World,
  ) {
    this.state = createStore<WireState>(() => ({
      link: 'closed',
      downSince: world.now(),
      who: null,
      conflict: false,
      you: null,
      gone: null,
      standing: null,
      steps: {},
      skew: 0,
      queue: null,
      turns: 0,
      pictureS: PICTURE_S,
      waiting: 0,
      board: 0,
      ice: null,
      screen: null,
      screenRefused: null,
    }));
  }

  start(): void {
    if (this.socket === null && this.cancelRetry === null && this.preparing === null) this.open();
  }

  stop(): void {
    this.drop();
    this.state.setState({ link: 'closed' });
    for (const w of this.waiting.values()) w.reject(Failure.local('offline', 'The page is closing'));
    this.waiting.clear();
  }

  /** Tries at once, e.g. when the browser says that the network is back. Also ends `replaced`. */
  retryNow(): void {
    if (this.socket !== null && this.welcomed) return;
    // Whoever takes the place back has to prove anew that it may.
    const fresh = this.state.getState().link === 'replaced';
    this.drop();
    this.attempt = 0;
    this.open(fresh);
  }

  /** Says whether the page is in sight, now and after every reconnect; `sleptS`: the machine was asleep so long. */
  page(hidden: boolean, sleptS: number | null = null): void {
    this.told = { op: 'page', hidden };
    if (this.welcomed) this.send({ ...this.told, ...(sleptS === null ? {} : { slept_s: sleptS }) });
  }

  /** This page shows the board of running meetings, or no longer. */
  board(on: boolean): void {
    this.onBoard = on;
    if (this.welcomed) this.send({ op: 'board', on });
  }

  /** This page is a window on another monitor, now and after every reconnect; said again when its state changes. */
  screen(window: OpenScreen): void {
    this.window = window;
    if (this.welcomed) this.send({ op: 'screen', ...window });
  }

  /** What this page saw and heard in a rehearsal; while no connection stands it is lost, and true no more when one does. */
  rehearse(frame: RehearsalSays): void {
    if (this.welcomed) this.send(frame);
  }

  /** The network was away: a connection that still looks open has to prove it within two beats. */
  nudge(): void {
    if (this.socket !== null && this.welcomed) this.watchSilence(2);
    else this.retryNow();
  }

  /** Follows a stream until the returned function is called. */
  subscribe(stream: string, topics: string[], handler: StreamHandler): () => void {
    const sub: Subscription = {
      stream,
      topics,
      handler,
      seq: null,
      asked: false,
      patience: 0,
      failures: 0,
      cancelAgain: null,
    };
    this.subs.get(stream)?.cancelAgain?.();
    this.subs.set(stream, sub);
    if (this.welcomed) this.ask(sub);
    return () => {
      if (this.subs.get(stream) !== sub) return;
      sub.cancelAgain?.();
      this.subs.delete(stream);
      if (this.welcomed) this.send({ op: 'unsub', stream });
    };
  }

  /** Sends a command; resolves with the seq it led to. Raises Failure: the server's code, `timeout`, `crowded`. */
  command<T extends CommandName>(type: T, meeting: string | null, args: Commands[T]): Promise<number> {
    if (this.waiting.size >= MAX_WAITING)
      return Promise.reject(Failure.local('crowded', 'Too many commands wait'));
    const id = this.world.newId();
    const frame = JSON.stringify({ op: 'cmd', id, type, ...(meeting === null ? {} : { meeting }), ...args });
    return new Promise<number>((resolve, reject) => {
      const cancel = this.world.after(COMMAND_MS, () => {
        this.waiting.delete(id);
        reject(Failure.local('timeout', 'The server did not answer the command'));
      });
      this.waiting.set(id, { frame, resolve, reject, cancel });
      if (this.welcomed) this.socket?.send(frame);
    });
  }

  /**
   * Opens a viewer over the connection that stands: no request of its own to connect for. Null when none stands, or the
   * offer is too long for it. Raises Failure: the server's code, `offline` when the connection is lost meanwhile, `timeout`.
   */
  openViewer(meeting: string, offer: string, replaces: string | null): Promise<ViewerAnswer> | null {
    return this.openMedia<ViewerAnswer>({ op: 'viewer', meeting, offer, replaces });
  }

  /** The same of a publisher: a called site has no round trip to lose. */
  openPublisher(meeting: string, offer: string): Promise<PublisherAnswer> | null {
    return this.openMedia<PublisherAnswer>({ op: 'publisher', meeting, offer });
  }

  /** What is said to this page in private: audio lines alone. */
  openEar(meeting: string, offer: string): Promise<ViewerAnswer> | null {
    return this.openMedia<ViewerAnswer>({ op: 'viewer', meeting, offer, talk: true });
  }

  /** What an operator says in private. */
  openVoice(meeting: string, offer: string): Promise<PublisherAnswer> | null {
    return this.openMedia<PublisherAnswer>({ op: 'publisher', meeting, offer, talk: true });
  }

  private openMedia<A>(asked: Record<string, string | boolean | null>): Promise<A> | null {
    const id = this.world.newId();
    const frame = JSON.stringify({ ...asked, id });
    const { socket } = this;
    if (!this.welcomed || socket === null || frame.length > MAX_FRAME) return null;
    return new Promise<A>((resolve, reject) => {
      const cancel = this.world.after(OPENING_MS, () => {
        this.opening.delete(id);
        reject(Failure.local('timeout', 'The server did not answer the offer'));
      });
      this.opening.set(id, { resolve: (answer) => resolve(answer as A), reject, cancel });
      socket.send(frame);
    });
  }

  private open(fresh = false): void {
    this.cancelRetry = null;
    this.state.setState({ link: 'connecting' });
    const { device } = this.world;
    if (device === undefined) {
      this.connect();
      return;
    }
    const mine = (this.preparing = {});
    device.prepare(fresh).then(
      () => {
        if (this.preparing === mine) this.connect();
      },
      (error: unknown) => {
        if (this.preparing !== mine) return;
        if (NO_SITE.has(codeOf(error))) this.end('not_authenticated', false);
        else this.lost(0);
      },
    );
  }

  private connect(): void {
    this.preparing = null;
    this.pongedAt = Number.NEGATIVE_INFINITY;
    const socket = this.world.connect(this.url);
    this.socket = socket;
    this.watchSilence();
    socket.onopen = () => {
      if (this.socket !== socket) return;
      if (this.world.device === undefined) this.hello();
      // Without a cookie there is no challenge: the server's refusal says so to the clerk.
      else this.cancelAnswer = this.world.after(CHALLENGE_MS, () => this.hello());
    };
    socket.onmessage = (event) => {
      if (this.socket === socket && typeof event.data === 'string') this.hear(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code, event.reason);
    };
  }

  private hello(proof?: string): void {
    const { kind: page, tab } = this;
    this.send({ op: 'hello', proto: 1, page, tab, ...(proof === undefined ? {} : { proof }) });
  }

  private async answer(nonce: string): Promise<void> {
    const socket = this.socket;
    this.cancelAnswer?.();
    const proof = await this.world.device?.prove(nonce).catch(() => '');
    if (this.socket === socket && proof !== undefined) this.hello(proof);
  }

  private hear(text: string): void {
    this.watchSilence();
    let message: FromServer;
    try {
      message = JSON.parse(text) as FromServer;
    } catch {
      return;
    }
    switch (message.op) {
      case 'challenge':
        void this.answer(message.nonce);
        break;
      case 'welcome':
        this.welcomed = true;
        this.renewed = false;
        this.beatMs = message.beat_s * 1000;
        this.state.setState({
          link: 'open',
          downSince: null,
          queue: null,
          conflict: false,
          who: message.who,
          you: message.you ?? null,
          // Told anew, after `standing`.
          steps: {},
          skew: this.skewOf(message.now),
          ice: message.ice ?? null,
          pictureS: message.picture_s ?? PICTURE_S,
        });
        if (this.told?.hidden === true) this.send(this.told);
        if (this.window !== null) this.send({ op: 'screen', ...this.window });
        if (this.onBoard) this.send({ op: 'board', on: true });
        for (const sub of this.subs.values()) this.ask(sub);
        for (const w of this.waiting.values()) this.socket?.send(w.frame);
        break;
      case 'board':
        this.state.setState({ board: message.n });
        break;
      case 'you':
        this.state.setState({ you: message.you });
        break;
      case 'wait':
        this.attempt = 0;
        this.pong();
        this.state.setState({
          queue:
            message.place > 0 ? { place: message.place, of: message.of, seconds: message.seconds } : null,
          turns: this.state.getState().turns + (message.place > 0 ? 0 : 1),
        });
        break;
      case 'gone':
        this.state.setState({
          gone: { viewers: message.viewers, publishers: message.publishers, turn: message.turn ?? true },
        });
        break;
      case 'standing':
        this.state.setState({ standing: { viewers: message.viewers, publishers: message.publishers } });
        break;
      case 'quality':
        // The newest viewers are the ones that count; what went is forgotten.
        this.state.setState(({ steps }) => ({
          steps: Object.fromEntries([
            ...Object.entries(steps)
              .filter(([viewer]) => viewer !== message.viewer)
              .slice(-STEPS_KEPT),
            [message.viewer, message.step],
          ]),
        }));
        break;
      case 'snap': {
        const sub = this.subs.get(message.stream);
        if (!sub) break;
        sub.seq = message.seq;
        this.answered(sub);
        sub.handler.snap(message.state, message.seq);
        break;
      }
      case 'ev':
        this.follow(message);
        break;
      case 'eph':
        this.subs.get(message.stream)?.handler.eph(message);
        break;
      case 'beat':
        this.attempt = 0;
        this.pong();
        this.state.setState({
          skew: this.skewOf(message.now),
          pictureS: message.picture_s ?? PICTURE_S,
          waiting: message.waiting ?? 0,
        });
        for (const [stream, head] of Object.entries(message.heads)) {
          const sub = this.subs.get(stream);
          if (!sub) continue;
          if (sub.seq === head) {
            this.answered(sub);
            continue;
          }
          if (sub.asked && ++sub.patience < 2) continue;
          // A head behind ours means another history (a restored database): only a snapshot is true then.
          if (sub.seq !== null && head < sub.seq) sub.seq = null;
          this.ask(sub);
        }
        break;
      case 'screen':
        if (this.window?.screen === message.screen)
          this.state.setState(({ screen }) => ({
            screen: { show: message.show, order: message.do, n: (screen?.n ?? 0) + 1 },
            screenRefused: null,
          }));
        break;
      case 'ack':
        this.settle(message.id, (w) => w.resolve(message.seq));
        break;
      case 'opened':
        this.settleOpening(message.id, (o) => o.resolve(message));
        break;
      case 'nack':
        this.refused(message.id, message.stream, failureOf(message.problem));
        break;
      default:
      // Ops of a newer server are not ours to understand.
    }
  }

  private refused(id: string | undefined, stream: string | undefined, why: Failure): void {
    if (id !== undefined) {
      if (id === this.window?.screen) this.state.setState({ screenRefused: why.code });
      this.settle(id, (w) => w.reject(why));
      this.settleOpening(id, (o) => o.reject(why));
    }
    const sub = stream === undefined ? undefined : this.subs.get(stream);
    if (!sub) return;
    if (PASSING.has(why.code)) this.askLater(sub);
    else sub.handler.refused(why.code);
  }

  private follow(event: StreamEvent): void {
    const sub = this.subs.get(event.stream);
    if (sub?.seq == null || event.seq <= sub.seq) return;
    if (event.seq === sub.seq + 1) {
      sub.seq = event.seq;
      this.answered(sub);
      sub.handler.ev(event);
    } else if (!sub.asked) this.ask(sub);
  }

  /** With the delays of a reconnect: a whole country must not ask a database at once that has just come back. */
  private askLater(sub: Subscription): void {
    sub.cancelAgain?.();
    const seconds = backoff(sub.failures, this.world.random());
    sub.failures += 1;
    sub.cancelAgain = this.world.after(seconds * 1000, () => this.ask(sub));
  }

  private answered(sub: Subscription): void {
    sub.asked = false;
    // A question that waits stays: this may be the stream as it was followed before the refusal.
    sub.failures = 0;
  }

  private ask(sub: Subscription): void {
    sub.cancelAgain?.();
    sub.cancelAgain = null;
    sub.asked = true;
    sub.patience = 0;
    this.send({ op: 'sub', stream: sub.stream, since: sub.seq, with: sub.topics });
  }

  private settle(id: string, how: (w: Waiting) => void): void {
    const w = this.waiting.get(id);
    if (!w) return;
    this.waiting.delete(id);
    w.cancel();
    how(w);
  }

  private settleOpening(id: string, how: (o: Opening) => void): void {
    const o = this.opening.get(id);
    if (!o) return;
    this.opening.delete(id);
    o.cancel();
    how(o);
  }

  /** Tells the server that somebody listens; ten thousand pages need not do so at every beat. */
  private pong(): void {
    if (this.world.now() - this.pongedAt < PONG_MS) return;
    this.pongedAt = this.world.now();
    this.send({ op: 'pong' });
  }

  private send(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private skewOf(now: string): number {
    const at = Date.parse(now);
    return Number.isNaN(at) ? 0 : at - this.world.now();
  }

  private watchSilence(beats = SILENT_BEATS): void {
    this.cancelSilence?.();
    this.cancelSilence = this.world.after(this.beatMs * beats, () => {
      const socket = this.socket;
      this.lost(0);
      socket?.close();
    });
  }

  private end(link: 'replaced' | 'not_authenticated', conflict: boolean): void {
    this.drop();
    const { downSince } = this.state.getState();
    this.state.setState({ link, conflict, downSince: downSince ?? this.world.now() });
  }

  private lost(code: number, reason = ''): void {
    const refused = !this.welcomed;
    if (code === NOT_AUTHENTICATED && reason !== 'device_ended' && this.world.device && !this.renewed) {
      // The session ran out while this machine slept: the key opens another.
      this.renewed = true;
      this.drop();
      this.open(true);
      return;
    }
    if (code === REPLACED || code === NOT_AUTHENTICATED) {
      this.end(code === REPLACED ? 'replaced' : 'not_authenticated', reason === 'device_conflict');
      return;
    }
    this.drop();
    const { downSince } = this.state.getState();
    const since = downSince ?? this.world.now();
    this.state.setState({ link: 'waiting', downSince: since });
    // After 4009 the server is back at once, but 10,000 clients must not be back in the same moment.
    const seconds = code === GOING_AWAY ? this.world.random() : backoff(this.attempt, this.world.random());
    this.attempt += 1;
    this.cancelRetry = this.world.after(seconds * 1000, () => this.open());
    if (refused) void this.askWhy();
  }

  private async askWhy(): Promise<void> {
    const out = await this.world.loggedOut().catch(() => false);
    if (!out || this.state.getState().link !== 'waiting') return;
    this.drop();
    this.state.setState({ link: 'not_authenticated' });
  }

  private drop(): void {
    this.preparing = null;
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.cancelSilence?.();
    this.cancelSilence = null;
    this.cancelAnswer?.();
    this.cancelAnswer = null;
    // The next welcome asks for every stream.
    for (const sub of this.subs.values()) sub.cancelAgain?.();
    this.welcomed = false;
    for (const id of [...this.opening.keys()])
      this.settleOpening(id, (o) => o.reject(Failure.local('offline', 'The connection was lost')));
    this.state.setState({ queue: null });
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** What a `nack` says, with the seconds it asks us to wait. */
function failureOf(problem: unknown): Failure {
  const wait = (problem as { retry_after?: unknown } | null)?.retry_after;
  return new Failure(asProblem(problem) ?? UNKNOWN, typeof wait === 'number' ? wait : null);
}
