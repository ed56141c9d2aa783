import { beforeEach, describe, expect, it } from 'vitest';
import { Device, type Held, type KeyStore } from '../../src/protocol/device';
import { codeOf, Failure } from '../../src/protocol/failure';

class Memory implements KeyStore {
  held: Held | null = null;
  broken = false;
  load = () => (this.broken ? Promise.reject(new Error('no')) : Promise.resolve(this.held));
  save = (held: Held) => {
    this.held = held;
    return Promise.resolve();
  };
}

/** The server: nonces, and whether what is signed is signed by the key that came. */
class Server {
  readonly calls: [string, Record<string, string>][] = [];
  fail: Failure | null = null;
  conflict = false;
  sessions = 0;

  post = <T>(path: string, body: object): Promise<T> => {
    this.calls.push([path, body as Record<string, string>]);
    if (path === '/device/challenge') return Promise.resolve({ nonce: `n${this.calls.length}` } as T);
    if (this.fail !== null) {
      const failure = this.fail;
      this.fail = null;
      return Promise.reject(failure);
    }
    this.sessions += 1;
    const answer = {
      me: { csrf: `secret-${this.sessions}` },
      device: 'd',
      expires_s: 100,
      conflict: this.conflict,
    };
    return Promise.resolve(answer as T);
  };

  of = (path: string) => this.calls.filter(([p]) => p === path).map(([, body]) => body);
}

async function verifies(key: string, signature: string, text: string): Promise<boolean> {
  const bytes = (b64: string) =>
    Uint8Array.from(atob(b64.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const imported = await crypto.subtle.importKey('raw', bytes(key), algorithm, true, ['verify']);
  const check = { name: 'ECDSA', hash: 'SHA-256' };
  return crypto.subtle.verify(check, imported, bytes(signature), new TextEncoder().encode(text));
}

describe('a device', () => {
  let memory: Memory;
  let server: Server;
  let time: number;
  let device: Device;
  const make = () =>
    new Device(
      memory,
      server.post,
      () => time,
      () => 'https://cau.test',
    );

  beforeEach(() => {
    memory = new Memory();
    server = new Server();
    time = 0;
    device = make();
  });

  it('activates with a key that nobody can take out, and proves that it holds it', async () => {
    expect(await device.known()).toBe(false);
    await device.activate('K7QF', false);
    const body = server.of('/activation')[0];
    const text = `diemcau device 1\nactivate\nhttps://cau.test\n${body?.['nonce']}\nK7QF\n${body?.['key']}`;
    expect(await verifies(body?.['key'] ?? '', body?.['signature'] ?? '', text)).toBe(true);
    const { pair } = memory.held?.bound ?? { pair: null };
    expect(pair?.privateKey.extractable).toBe(false);
    const taken = pair === null ? 'no key' : crypto.subtle.exportKey('pkcs8', pair.privateKey);
    await expect(taken).rejects.toThrow();
    expect(await device.known()).toBe(true);
    expect(device.pageSecret).toBe('secret-1');
  });

  it('opens a session by its key, once for all who need it, and again before it ends', async () => {
    await device.activate('K7QF', false);
    device = make();
    await Promise.all([device.ensure(), device.ensure(), device.ensure()]);
    expect(server.of('/device/session')).toHaveLength(1);
    time = 74_000;
    await device.ensure();
    expect(server.of('/device/session')).toHaveLength(1);
    time = 76_000;
    await device.ensure();
    expect(server.of('/device/session')).toHaveLength(2);
  });

  it('signs every purpose apart', async () => {
    await device.activate('K7QF', false);
    const key = server.of('/activation')[0]?.['key'] ?? '';
    const proof = await device.prove('from-the-socket');
    const of = (purpose: string) => `diemcau device 1\n${purpose}\nhttps://cau.test\nfrom-the-socket\nd`;
    expect(await verifies(key, proof, of('socket'))).toBe(true);
    expect(await verifies(key, proof, of('session'))).toBe(false);
  });

  it('uses the same key again when the answer to its activation was lost', async () => {
    server.fail = Failure.local('offline', '');
    await expect(device.activate('K7QF', false)).rejects.toThrow();
    device = make(); // the page was loaded again
    await device.activate('K7QF', false);
    const [first, second] = server.of('/activation');
    expect(first?.['key']).toBe(second?.['key']);
  });

  it('keeps the key of the site it is until another activation was answered', async () => {
    await device.activate('K7QF', false);
    const before = memory.held?.bound;
    server.fail = new Failure({ code: 'bad_code', status: 401, title: '' });
    await expect(device.activate('OTHER', true)).rejects.toThrow();
    expect(memory.held?.bound).toBe(before);
    await device.ensure();
    await device.activate('OTHER', true);
    expect(memory.held?.bound?.pair).not.toBe(before?.pair);
  });

  it('makes another key when the server will not have this one', async () => {
    server.fail = new Failure({ code: 'bad_request', status: 400, title: '' });
    await expect(device.activate('K7QF', false)).rejects.toThrow();
    await device.activate('K7QF', false);
    const [first, second] = server.of('/activation');
    expect(first?.['key']).not.toBe(second?.['key']);
  });

  it('says that another machine held its key', async () => {
    await device.activate('K7QF', false);
    expect(device.conflictAt).toBeNull();
    server.conflict = true;
    time = 5_000;
    await device.renew();
    expect(device.conflictAt).toBe(5_000);
  });

  it('spends no code where the browser keeps nothing', async () => {
    memory.broken = true;
    const error: unknown = await device.activate('K7QF', false).catch((e: unknown) => e);
    expect(codeOf(error)).toBe('storage_refused');
    memory.broken = false;
    memory.save = () => Promise.resolve();
    const forgot: unknown = await device.activate('K7QF', false).catch((e: unknown) => e);
    expect(codeOf(forgot)).toBe('storage_refused');
    expect(server.of('/activation')).toEqual([]);
  });

  it('is nobody without a key', async () => {
    const error: unknown = await device.ensure().catch((e: unknown) => e);
    expect(codeOf(error)).toBe('not_authenticated');
    expect(server.calls).toEqual([]);
  });
});
