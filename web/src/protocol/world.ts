import { codeOf } from './failure';
import type { Http } from './http';
import { newId } from './ids';
import type { SocketLike, World } from './socket';

/** The browser as the wire's world. */
export function browserWorld(http: Http): World {
  const { device } = http;
  return {
    ...(http.page === 'site' && device !== null
      ? {
          device: {
            prepare: (fresh: boolean) => (fresh ? device.renew() : device.ensure()),
            prove: (nonce: string) => device.prove(nonce),
          },
        }
      : {}),
    connect: (url) => new WebSocket(url) as unknown as SocketLike,
    now: () => Date.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    newId,
    loggedOut: async () => {
      try {
        await http.me();
        return false;
      } catch (error) {
        return ['not_authenticated', 'device_ended'].includes(codeOf(error));
      }
    },
  };
}

export function wireUrl(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/ws`;
}
