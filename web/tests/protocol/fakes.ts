import type { SocketLike, World } from '../../src/protocol/socket';

/** One end of a socket that a test plays the server of. */
export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason?: string }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  of(op: string): Record<string, unknown>[] {
    return this.sent.filter((m) => m['op'] === op);
  }
}

/** A world whose time moves only when it is told to. */
export class FakeWorld implements World {
  time = 1_000_000;
  chance = 0.5;
  out = false;
  readonly sockets: FakeSocket[] = [];
  private timers: { at: number; run: () => void }[] = [];
  private ids = 0;

  connect(): FakeSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }

  now = (): number => this.time;
  random = (): number => this.chance;
  newId = (): string => `id-${String(++this.ids).padStart(8, '0')}`;
  loggedOut = (): Promise<boolean> => Promise.resolve(this.out);

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  }

  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((t) => t !== next);
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('nobody has connected');
    return socket;
  }
}
