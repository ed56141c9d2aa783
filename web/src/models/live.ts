import { createStore, type StoreApi } from 'zustand/vanilla';
import type { StreamHandler, Wire } from '../protocol/socket';
import type {
  Call,
  Check,
  Ephemeral,
  Figures,
  MeetingState,
  Observer,
  RollFrame,
  Screen,
  SitePageState,
  Step,
  StreamEvent,
  Talk,
} from '../protocol/types';
import { applyEvents } from './meeting';

/** With so many raised hands, events are taken in together, this often. */
const CROWD = 200;
const CROWD_MS = 100;

export interface LiveMeeting {
  state: MeetingState | null;
  /** Sites heard now, loudest first. */
  speaking: readonly string[];
  /** Microphone levels in dBov (0 loudest, -127 silence). */
  levels: Readonly<Record<string, number>>;
  /** Sites whose picture reaches the node: they can be cut to at once. Null before the server has said. */
  live: ReadonlySet<string> | null;
  /** By message: how many sites have it. Operators are told, of messages to sites. */
  receipts: Readonly<Record<string, Figures>>;
  /** Sites whose line carries less than everything, and what; for operators. */
  steps: ReadonlyMap<string, Step>;
  /** Sites whose page said that it was hidden or its machine asleep; for operators. */
  pages: ReadonlyMap<string, SitePageState>;
  /** Windows on other monitors; for who asked to be told of them. */
  screens: readonly Screen[];
  /** Who watches the meeting from above; desks are told. */
  observers: readonly Observer[];
  /** Calls out of this meeting, those that are over and still shown included; for operators. */
  calls: readonly Call[];
  /** Units over which somebody who forwards hands is at a desk; for who asked to be told of them. */
  operators: readonly string[];
  /** What the machine has seen of who is lined up or on preview; for operators. */
  checks: Readonly<Record<string, Check>>;
  /** Private words between operators and sites; for operators. */
  talks: readonly Talk[];
  /** Why the server does not let us follow the meeting. */
  refused: string | null;
  /** The last cut that reached the stage: how long its picture took. */
  lastShown: { site: string | null; after_ms: number } | null;
}

export interface PresenceSink {
  presence(joined: readonly string[], left: readonly string[], full: boolean): void;
}

export interface RollSink {
  frame(frame: RollFrame): void;
}

/** True while a site was cut to but its picture is not there yet: viewers still see the one before. */
export function awaitsPicture(live: LiveMeeting, site: string | null): boolean {
  return site !== null && live.live !== null && !live.live.has(site);
}

/** One meeting as a page follows it: durable state from events, fleeting state beside it. */
export class MeetingModel implements StreamHandler {
  readonly store: StoreApi<LiveMeeting> = createStore<LiveMeeting>(() => ({
    state: null,
    speaking: [],
    levels: {},
    live: null,
    lastShown: null,
    receipts: {},
    observers: [],
    calls: [],
    operators: [],
    checks: {},
    talks: [],
    refused: null,
    steps: new Map(),
    pages: new Map(),
    screens: [],
  }));

  private readonly waiting: StreamEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly sink: PresenceSink | null = null,
    private readonly roll: RollSink | null = null,
  ) {}

  follow(wire: Wire, meeting: string, topics: string[]): () => void {
    return wire.subscribe(`meeting:${meeting}`, topics, this);
  }

  snap(state: MeetingState): void {
    this.waiting.length = 0;
    this.store.setState({ state, refused: null });
  }

  refused(code: string): void {
    this.store.setState({ refused: code });
  }

  ev(event: StreamEvent): void {
    this.waiting.push(event);
    // A country that raises its hands at once is some looks a second, not ten thousand.
    if ((this.store.getState().state?.floor.hands.length ?? 0) < CROWD) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), CROWD_MS);
  }

  /** Takes in the events that wait. */
  private flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const events = this.waiting.splice(0);
    this.store.setState(({ state }) => (state === null ? {} : { state: applyEvents(state, events) }));
  }

  eph(message: Ephemeral): void {
    switch (message.topic) {
      case 'presence':
        this.sink?.presence(message.data.joined, message.data.left, message.data.full === true);
        break;
      case 'rollcall':
        this.roll?.frame(message.data);
        break;
      case 'speaking':
        this.store.setState({ speaking: message.data.sites });
        break;
      case 'observers':
        this.store.setState({ observers: message.data.people });
        break;
      case 'calls':
        this.store.setState({ calls: message.data.calls });
        break;
      case 'operators':
        this.store.setState({ operators: message.data.units });
        break;
      case 'lineup':
        this.store.setState({ checks: message.data.checks });
        break;
      case 'talkback':
        this.store.setState({ talks: message.data.talks });
        break;
      case 'levels':
        this.store.setState({ levels: message.data.levels });
        break;
      case 'receipts':
        this.store.setState(({ state, receipts }) => ({
          receipts: { ...kept(receipts, state), ...message.data.messages },
        }));
        break;
      case 'quality': {
        const { steps, full } = message.data;
        const now = new Map(full === true ? [] : this.store.getState().steps);
        for (const [site, step] of Object.entries(steps)) {
          if (step === 'high') now.delete(site);
          else now.set(site, step);
        }
        this.store.setState({ steps: now });
        break;
      }
      case 'screens':
        this.store.setState({ screens: message.data.screens });
        break;
      case 'pages':
        this.store.setState(({ pages }) => ({
          pages: new Map([...pages, ...Object.entries(message.data.pages)]),
        }));
        break;
      case 'stage': {
        const last = message.data.shown.at(-1);
        this.store.setState({
          live: new Set(message.data.live),
          ...(last ? { lastShown: { site: last.site, after_ms: last.after_ms } } : {}),
        });
        break;
      }
    }
  }
}

/** Figures of messages that the state has forgotten go with them. */
function kept(receipts: Readonly<Record<string, Figures>>, state: MeetingState | null) {
  const known = new Set(state?.messages.map((m) => m.id));
  return Object.fromEntries(Object.entries(receipts).filter(([id]) => known.has(id)));
}
