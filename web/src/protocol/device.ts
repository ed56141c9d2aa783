import { codeOf, Failure } from './failure';
import type { Me } from './types';

/** What this browser is known by: a key pair whose private half no script can read, and the name the server gave it. */
export interface Held {
  /** Of the site that this browser is; null before its first activation was answered. */
  bound: { pair: CryptoKeyPair; device: string } | null;
  /** Of an activation that was not answered: it may have been heard, so the next one uses it again. */
  next: CryptoKeyPair | null;
}

export interface KeyStore {
  load(): Promise<Held | null>;
  save(held: Held): Promise<void>;
}

/** What the server says of a session; its cookie is not ours to see. */
export interface SessionAnswer {
  me: Me;
  expires_s: number;
  conflict: boolean;
}

export interface ActivationAnswer extends SessionAnswer {
  device: string;
  site: { label: string; path: string };
}

/** The one request that this needs; `Http` makes it. */
export type Post = <T>(path: string, body: object) => Promise<T>;

type Purpose = 'activate' | 'session' | 'socket';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
/** Of a session's life, when the next is asked for. */
const RENEW_AT = 0.75;
const LOCK = 'dc.device';

/**
 * This browser as a site's device: proves its key for every session and every WebSocket. A session is a cookie that no
 * script reads and a secret that only this page knows; either alone opens nothing.
 */
export class Device {
  /** Another machine with the same key was put out by the last session: ms of its time, null when none was. */
  conflictAt: number | null = null;
  private renewAt = Number.NEGATIVE_INFINITY;
  private secret: string | null = null;
  private opening: Promise<void> | null = null;

  constructor(
    private readonly store: KeyStore,
    private readonly post: Post,
    private readonly now: () => number = () => performance.now(),
    private readonly origin: () => string = () => location.origin,
  ) {}

  /** What goes beside the cookie with every request; null before the first session. */
  get pageSecret(): string | null {
    return this.secret;
  }

  /** Whether this browser has been made a site and has kept its key. */
  async known(): Promise<boolean> {
    return (await this.store.load().catch(() => null))?.bound != null;
  }

  /**
   * Makes this browser a site. Raises Failure: the server's code, `insecure` (no keys without https) or
   * `storage_refused`.
   */
  async activate(code: string, replace: boolean): Promise<ActivationAnswer> {
    const subtle = subtleCrypto();
    const held = await stored(this.store.load());
    const pair = held?.next ?? (await subtle.generateKey(ALGORITHM, false, ['sign']));
    await this.keep({ bound: held?.bound ?? null, next: pair });
    const key = base64url(await subtle.exportKey('raw', pair.publicKey));
    const nonce = await this.challenge('activate');
    const signature = await this.sign(pair, 'activate', nonce, `${code}\n${key}`);
    const body = { code, key, nonce, signature, ...(replace ? { replace } : {}) };
    const answer = await this.post<ActivationAnswer>('/activation', body).catch(async (error: unknown) => {
      // A key that the server will not have again.
      if (codeOf(error) === 'bad_request') await this.keep({ bound: held?.bound ?? null, next: null });
      throw error;
    });
    await this.keep({ bound: { pair, device: answer.device }, next: null });
    this.opened(answer);
    return answer;
  }

  /** A session that is good for a while; opens or renews one when there is none. Raises Failure `not_authenticated`. */
  async ensure(): Promise<void> {
    if (this.secret !== null && this.now() < this.renewAt) return;
    await this.renew();
  }

  /** A new session, whatever there was. */
  renew(): Promise<void> {
    this.opening ??= alone(() => this.open()).finally(() => (this.opening = null));
    return this.opening;
  }

  /** Proves the key for a WebSocket. */
  async prove(nonce: string): Promise<string> {
    const held = await this.held();
    return this.sign(held.pair, 'socket', nonce, held.device);
  }

  private async open(): Promise<void> {
    const { pair, device } = await this.held();
    const nonce = await this.challenge('session');
    const signature = await this.sign(pair, 'session', nonce, device);
    this.opened(await this.post<SessionAnswer>('/device/session', { device, nonce, signature }));
  }

  private opened(answer: SessionAnswer): void {
    this.secret = answer.me.csrf;
    this.renewAt = this.now() + answer.expires_s * 1000 * RENEW_AT;
    if (answer.conflict) this.conflictAt = this.now();
  }

  private async held(): Promise<{ pair: CryptoKeyPair; device: string }> {
    const held = await this.store.load().catch(() => null);
    if (held?.bound == null) throw Failure.local('not_authenticated', 'This browser has no key of a site');
    return held.bound;
  }

  private async keep(held: Held): Promise<void> {
    await stored(this.store.save(held));
    // A browser may take a key and forget it at once: better to know before the code is spent.
    if ((await stored(this.store.load())) === null) throw refused();
  }

  private async challenge(purpose: Purpose): Promise<string> {
    return (await this.post<{ nonce: string }>('/device/challenge', { purpose })).nonce;
  }

  private async sign(pair: CryptoKeyPair, purpose: Purpose, nonce: string, subject: string): Promise<string> {
    const message = ['diemcau device 1', purpose, this.origin(), nonce, subject].join('\n');
    const signature = await subtleCrypto().sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      pair.privateKey,
      new TextEncoder().encode(message),
    );
    return base64url(signature);
  }
}

/** Raises Failure `insecure`: browsers keep keys only for pages that came by https (or from this machine). */
function subtleCrypto(): SubtleCrypto {
  // Without TLS there is none, whatever the types say.
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (subtle === undefined) throw Failure.local('insecure', 'No keys without https');
  return subtle;
}

function refused(): Failure {
  return Failure.local('storage_refused', 'The browser keeps nothing');
}

async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch {
    throw refused();
  }
}

/** Tabs of one browser share the cookie: their sessions must follow each other. */
async function alone(work: () => Promise<void>): Promise<void> {
  const locks = (navigator as { locks?: LockManager | null }).locks;
  if (locks == null) return work();
  return locks.request(LOCK, work);
}

export function base64url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
