import { describe, expect, it, vi } from 'vitest';
import { codeOf, Failure } from '../../src/protocol/failure';
import { Http } from '../../src/protocol/http';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers });

describe('the HTTP door', () => {
  it('learns the CSRF token and sends it with what changes something, not with what reads', async () => {
    const fetcher = vi.fn<typeof fetch>((_url, init) =>
      Promise.resolve(init?.method === 'GET' ? answer(200, { csrf: 'c-1' }) : answer(204, null)),
    );
    const http = new Http('/api/v1', fetcher);
    http.page = 'desk';
    await http.me();
    await http.pin('v_1', 4, 's_1', 'low');
    const headers = fetcher.mock.calls.map(([, init]) => init?.headers as Record<string, string>);
    expect(headers[0]?.['X-CSRF-Token']).toBeUndefined();
    expect(headers[1]).toMatchObject({ 'X-CSRF-Token': 'c-1', 'X-Page': 'desk' });
    expect(fetcher.mock.calls[1]?.[0]).toBe('/api/v1/viewers/v_1/pins/4');
  });

  it('raises the stable code of a problem document, with its wish to wait', async () => {
    const http = new Http('', () =>
      Promise.resolve(
        answer(429, { code: 'too_many_requests', status: 429, title: 'slow down' }, { 'Retry-After': '7' }),
      ),
    );
    const failure = await http.login('a', 'b').catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ code: 'too_many_requests', status: 429, retryAfter: 7 });
  });

  it("calls a proxy's bare 502 and a dead network offline", async () => {
    const bare = new Http('', () => Promise.resolve(new Response('<html>', { status: 502 })));
    const dead = new Http('', () => Promise.reject(new TypeError('failed to fetch')));
    await expect(bare.me().catch(codeOf)).resolves.toBe('offline');
    await expect(dead.me().catch(codeOf)).resolves.toBe('offline');
  });

  it('tells a picture that has not changed from one that is not there', async () => {
    let status = 304;
    const http = new Http('', () => Promise.resolve(new Response(null, { status })));
    await expect(http.snapshot('s_1', 'e')).resolves.toBe('same');
    status = 404;
    await expect(http.snapshot('s_1', null)).resolves.toBeNull();
  });
});
