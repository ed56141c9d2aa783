import { Device, type KeyStore } from './device';
import { asProblem, Failure } from './failure';
import type {
  CaptionPeople,
  TestFigures,
  IceServersAnswer,
  LayerName,
  Me,
  Meeting,
  NewMeeting,
  PublisherAnswer,
  ReceiptsAnswer,
  ReadinessAnswer,
  ReadinessQuery,
  ReadinessRows,
  RollCallList,
  RollView,
  RosterAnswer,
  SelfTestResult,
  SelfTestTurn,
  Site,
  Unit,
  UnitMatch,
  ViewerAnswer,
} from './types';

export interface Picture {
  blob: Blob;
  /** When it was taken, ms since the epoch. */
  at: number;
  etag: string | null;
}

type Fetch = typeof fetch;

/** The HTTP door. Cookies carry who we are; `csrf` is learned from `/me` and goes with everything that changes something. */
/** How long a question for news of readiness is kept open; the server's most. */
const READINESS_WAIT_S = '20';

export class Http {
  csrf: string | null = null;
  /** Which page asks: a browser may hold an operator's cookie and a site's at once. */
  page: 'site' | 'desk' | null = null;
  /** This browser as a site's device; null where nothing keeps keys. */
  readonly device: Device | null;

  constructor(
    private readonly base = '/api/v1',
    private readonly fetcher: Fetch = (input, init) => fetch(input, init),
    keys: KeyStore | null = null,
  ) {
    this.device =
      keys === null
        ? null
        : new Device(keys, async <T>(path: string, body: object) => {
            const response = await this.once('POST', path, JSON.stringify(body), 'application/json');
            return (await response.json()) as T;
          });
  }

  async me(): Promise<Me> {
    const me = await this.json<Me>('GET', '/me');
    this.csrf = me.csrf;
    return me;
  }

  /** Raises Failure `bad_credentials`, `too_many_requests`. */
  login = (username: string, password: string) => this.call('POST', '/session', { username, password });
  logout = () => this.call('DELETE', '/session');
  /** Sets a password of one's own in place of the one that was given. Raises Failure `bad_credentials`, `bad_request`. */
  choosePassword = async (old: string, password: string): Promise<Me> => {
    const { me } = await this.json<{ me: Me }>('PUT', '/session/password', { old, password });
    this.csrf = me.csrf;
    return me;
  };
  searchUnits = async (q: string, limit = 12, signal?: AbortSignal): Promise<UnitMatch[]> => {
    const query = new URLSearchParams({ q, limit: String(limit) });
    const answer = await this.json<{ matches: UnitMatch[] }>(
      'GET',
      `/units/search?${query.toString()}`,
      undefined,
      signal,
    );
    return answer.matches;
  };
  unit = (code: string) => this.json<Unit>('GET', `/units/${encodeURIComponent(code)}`);
  sitesOf = async (unit: string, limit = 20): Promise<Site[]> => {
    const query = new URLSearchParams({ unit, limit: String(limit) });
    return (await this.json<{ sites: Site[] }>('GET', `/sites?${query.toString()}`)).sites;
  };

  meetings = async (): Promise<Meeting[]> =>
    (await this.json<{ meetings: Meeting[] }>('GET', '/meetings')).meetings;
  createMeeting = (wanted: NewMeeting) => this.json<Meeting>('POST', '/meetings', wanted);
  roster = (meeting: string) =>
    this.json<RosterAnswer>('GET', `/meetings/${encodeURIComponent(meeting)}/roster`);

  /** Raises Failure `message_not_found`, `forbidden`. */
  receipts = (meeting: string, message: string, signal?: AbortSignal) =>
    this.json<ReceiptsAnswer>(
      'GET',
      `/meetings/${encodeURIComponent(meeting)}/messages/${encodeURIComponent(message)}/receipts`,
      undefined,
      signal,
    );

  rollCalls = (meeting: string) =>
    this.json<RollCallList>('GET', `/meetings/${encodeURIComponent(meeting)}/roll-calls`);
  /** The whole roll call as we may see it. Raises Failure `roll_call_not_found`, `forbidden`. */
  rollCall = (meeting: string, call: string) => this.json<RollView>('GET', rollPath(meeting, call));
  /** Where the browser itself fetches a roll call as a file, whole or of one subtree. */
  rollReport = (meeting: string, call: string, kind: 'xlsx' | 'pdf', unit: string | null): string =>
    `${this.base}${rollPath(meeting, call)}/report.${kind}${unit === null ? '' : `?unit=${encodeURIComponent(unit)}`}`;

  /** Relays for media connections; none where the installation has none. */
  iceServers = () => this.json<IceServersAnswer>('GET', '/ice');
  /** Raises Failure `no_common_codec`, `bad_offer`, `media_unavailable`, `busy`, `meeting_not_open`. */
  openViewer = (meeting: string, offer: string, replaces: string | null) =>
    this.json<ViewerAnswer>('POST', `/meetings/${encodeURIComponent(meeting)}/viewer`, { offer, replaces });
  closeViewer = (viewer: string) =>
    this.call('DELETE', `/viewers/${encodeURIComponent(viewer)}`, undefined, true);
  pin = (viewer: string, line: number, site: string | null, ceiling: LayerName) =>
    this.call('PUT', `/viewers/${encodeURIComponent(viewer)}/pins/${line}`, { site, ceiling });
  captionPeople = (meeting: string, site: string) =>
    this.json<CaptionPeople>(
      'GET',
      `/meetings/${encodeURIComponent(meeting)}/sites/${encodeURIComponent(site)}/people`,
    );
  openPublisher = (meeting: string, offer: string) =>
    this.json<PublisherAnswer>('POST', `/meetings/${encodeURIComponent(meeting)}/publisher`, { offer });
  closePublisher = (publisher: string) =>
    this.call('DELETE', `/publishers/${encodeURIComponent(publisher)}`, undefined, true);

  /** This site's turn to measure its network; asked again while it waits. Raises Failure `on_stage`, `busy`. */
  beginSelfTest = () => this.json<SelfTestTurn>('POST', '/self-test');
  publishSelfTest = (offer: string) =>
    this.json<{ answer: string }>('POST', '/self-test/publisher', { offer });
  watchSelfTest = (offer: string, what: 'loop' | 'way') =>
    this.json<{ answer: string }>('POST', '/self-test/viewer', { offer, what });
  endSelfTest = () => this.call('DELETE', '/self-test', undefined, true);
  reportSelfTest = (figures: TestFigures) => this.json<SelfTestResult>('POST', '/self-test/result', figures);
  selfTests = async (site: string): Promise<SelfTestResult[]> =>
    (await this.json<{ tests: SelfTestResult[] }>('GET', `/sites/${encodeURIComponent(site)}/tests`)).tests;

  /** Counts of a subtree; with the ETag of an answer the next one, as soon as it is another; `same` when none came. */
  async readiness(
    unit: string | null,
    etag: string | null,
    signal?: AbortSignal,
  ): Promise<{ answer: ReadinessAnswer; etag: string | null } | 'same'> {
    const query = new URLSearchParams({
      ...(unit === null ? {} : { unit }),
      ...(etag === null ? {} : { wait: READINESS_WAIT_S }),
    });
    const response = await this.fetcher(`${this.base}/readiness?${query.toString()}`, {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        ...(this.page === null ? {} : { 'X-Page': this.page }),
        ...(etag === null ? {} : { 'If-None-Match': etag }),
      },
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw Failure.local('offline', 'The server does not answer');
    });
    if (response.status === 304) return 'same';
    if (!response.ok) throw await failureOf(response);
    return { answer: (await response.json()) as ReadinessAnswer, etag: response.headers.get('ETag') };
  }
  readinessRows = (query: ReadinessQuery, signal?: AbortSignal) =>
    this.json<ReadinessRows>('GET', `/readiness/sites?${readinessQuery(query)}`, undefined, signal);
  /** Where the browser itself fetches the filtered list as a file. */
  readinessFile = (kind: 'xlsx' | 'csv', query: ReadinessQuery): string =>
    `${this.base}/readiness/sites.${kind}?${readinessQuery(query)}`;

  /** Posts this site's picture, JPEG of at most 128 kB, with a smaller copy for walls; `takenAt` by `performance.now`. */
  async postSnapshot(picture: Blob, small: Blob | null, takenAt: number): Promise<void> {
    const body = small === null ? picture : new Blob([picture, small], { type: 'image/jpeg' });
    await this.send('PUT', '/snapshot', body, 'image/jpeg', undefined, false, () => ({
      ...ageOf(takenAt),
      ...(small === null ? {} : { 'X-Small-Bytes': String(small.size) }),
    }));
  }

  /** Posts a still of what this page presents in the meeting, as `postSnapshot` does. Raises Failure `wrong_state`, `secrecy`. */
  postSlides = async (meeting: string, picture: Blob, takenAt: number): Promise<void> => {
    await this.send('PUT', slidesPath(meeting), picture, 'image/jpeg', undefined, false, () =>
      ageOf(takenAt),
    );
  };

  /**
   * The last picture of a site, or of what is presented in a meeting (`slidesOf`); null when there is none, `same` when it
   * is still the one with this ETag.
   */
  async snapshot(of: string, etag: string | null, signal?: AbortSignal): Promise<Picture | 'same' | null> {
    await this.session();
    const path = of.startsWith(SLIDES)
      ? slidesPath(of.slice(SLIDES.length))
      : `/sites/${encodeURIComponent(of)}/snapshot`;
    const response = await this.fetcher(this.base + path, {
      credentials: 'same-origin',
      cache: 'no-cache',
      headers: {
        ...this.who('GET'),
        ...(etag === null ? {} : { 'If-None-Match': etag }),
      },
      ...(signal ? { signal } : {}),
    });
    if (response.status === 304) return 'same';
    if (response.status === 404) return null;
    if (!response.ok) throw await failureOf(response);
    const modified = Date.parse(response.headers.get('Last-Modified') ?? '');
    return {
      blob: await response.blob(),
      at: Number.isNaN(modified) ? Date.now() : modified,
      etag: response.headers.get('ETag'),
    };
  }

  /** One request whose answer is JSON; parts of the page keep their own requests. */
  async json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await this.send(
      method,
      path,
      body === undefined ? null : JSON.stringify(body),
      'application/json',
      signal,
    );
    return (await response.json()) as T;
  }

  private async call(method: string, path: string, body?: unknown, leaving = false): Promise<void> {
    await this.send(
      method,
      path,
      body === undefined ? null : JSON.stringify(body),
      'application/json',
      undefined,
      leaving,
    );
  }

  /** Before a site's request: its session. A page that goes away has no time for one. */
  private async session(leaving = false): Promise<void> {
    if (this.page === 'site' && this.device !== null && !leaving) await this.device.ensure();
  }

  private who(method: string): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.page !== null) headers['X-Page'] = this.page;
    const secret = this.page === 'site' ? (this.device?.pageSecret ?? null) : null;
    const token = secret ?? (method === 'GET' ? null : this.csrf);
    if (token !== null) headers['X-CSRF-Token'] = token;
    return headers;
  }

  /** One request as it is. Raises Failure. */
  async send(
    method: string,
    path: string,
    body: string | Blob | null,
    type: string,
    signal?: AbortSignal,
    leaving = false,
    /** Further headers, as they are when the request leaves. */
    more: () => Record<string, string> = () => ({}),
  ): Promise<Response> {
    await this.session(leaving);
    try {
      return await this.once(method, path, body, type, signal, leaving, more());
    } catch (error) {
      // The session ran out while this machine slept, or another tab has opened the next one.
      const renewed = error instanceof Failure && error.code === 'not_authenticated' && !leaving;
      if (this.page !== 'site' || this.device === null || !renewed) throw error;
      await this.device.renew();
      return this.once(method, path, body, type, signal, leaving, more());
    }
  }

  private async once(
    method: string,
    path: string,
    body: string | Blob | null,
    type: string,
    signal?: AbortSignal,
    /** The page may be going away: the request has to outlive it. */
    keepalive = false,
    more: Record<string, string> = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', ...this.who(method), ...more };
    if (body !== null) headers['Content-Type'] = type;
    let response: Response;
    try {
      response = await this.fetcher(this.base + path, {
        method,
        headers,
        credentials: 'same-origin',
        keepalive,
        ...(body === null ? {} : { body }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw Failure.local('offline', 'The server does not answer');
    }
    if (!response.ok) throw await failureOf(response);
    return response;
  }
}

const SLIDES = 'slides:';

/** Names the stills of what is presented in a meeting, where sites' are named by their id. */
export const slidesOf = (meeting: string): string => SLIDES + meeting;
const slidesPath = (meeting: string): string => `/meetings/${encodeURIComponent(meeting)}/slides`;

/** How old a picture is when its request leaves. */
const ageOf = (takenAt: number) => ({
  'X-Picture-Age': String(Math.max(0, Math.round(performance.now() - takenAt))),
});

const rollPath = (meeting: string, call: string): string =>
  `/meetings/${encodeURIComponent(meeting)}/roll-calls/${encodeURIComponent(call)}`;

function readinessQuery(query: ReadinessQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
}

async function failureOf(response: Response): Promise<Failure> {
  let problem = null;
  try {
    problem = asProblem(await response.json());
  } catch {
    // A proxy's page, not ours: the status says enough.
  }
  const wait = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return new Failure(
    problem ?? {
      code: response.status >= 500 ? 'offline' : 'bad_request',
      status: response.status,
      title: response.statusText,
    },
    Number.isNaN(wait) ? null : wait,
  );
}
