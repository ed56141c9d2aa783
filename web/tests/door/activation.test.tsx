import { MantineProvider } from '@mantine/core';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Activation } from '../../src/door/Activation';
import { http } from '../../src/http';
import { startLanguages } from '../../src/i18n';

const SITE = { kind: 'site', id: 's_a', name: 'Điểm cầu A', grants: [], csrf: 'c' };
const PERSON = { ...SITE, kind: 'person', name: 'Trần Thị Bình' };
const NOBODY = { status: 401, code: 'not_authenticated' };

/** The server as a door sees it: who the browser is, and what becomes of a code. */
class FakeServer {
  me: object = NOBODY;
  /** Who it is once a code has come: another tab was faster. */
  becomes: object | null = null;
  /** What the next code is answered; then the server's rule holds again. */
  answers: object[] = [];
  readonly codes: unknown[] = [];

  fetch = (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('/me')) return Promise.resolve(this.answer(this.me));
    const body = JSON.parse(init.body as string) as { replace?: boolean };
    this.codes.push(body);
    const taken = this.me === SITE && body.replace !== true;
    this.me = this.becomes ?? this.me;
    return Promise.resolve(
      this.answer(this.answers.shift() ?? (taken ? { status: 409, code: 'conflict' } : {})),
    );
  };

  private answer(body: object): Response {
    const status = 'status' in body ? (body.status as number) : 200;
    return new Response(JSON.stringify({ title: '', ...body }), { status });
  }
}

let server: FakeServer;
let root: Root;
let host: HTMLElement;

const found = (id: string) => host.querySelector<HTMLElement>(`[data-testid="${id}"]`);

function shown(id: string): Promise<HTMLElement> {
  return vi.waitFor(() => found(id) ?? expect.fail(`${id} is not shown`), { interval: 5 });
}

const says = (text: string) => vi.waitFor(() => expect(host.textContent).toContain(text), { interval: 5 });

async function tap(id: string): Promise<void> {
  (await shown(id)).click();
}

function open(address: string): void {
  root.render(
    <MantineProvider>
      <MemoryRouter initialEntries={[address]}>
        <Routes>
          <Route path="/vao" element={<Activation />} />
          <Route path="/diem-cau" element={<p data-testid="site-page" />} />
        </Routes>
      </MemoryRouter>
    </MantineProvider>,
  );
}

describe('the link of a connection sheet', () => {
  beforeAll(startLanguages);

  beforeEach(() => {
    server = new FakeServer();
    vi.stubGlobal('fetch', server.fetch);
    http.page = null;
    host = document.body.appendChild(document.createElement('div'));
    root = createRoot(host);
  });

  afterEach(() => {
    root.unmount();
    host.remove();
  });

  it.each([
    ['nobody', NOBODY],
    ['an operator', PERSON],
  ])('makes the browser of %s a site without a question', async (_who, me) => {
    server.me = me;
    open('/vao?code=B-CODE');
    await shown('site-page');
    expect(server.codes).toEqual([{ code: 'B-CODE' }]);
  });

  it('does not turn a site into another by itself: it asks, and staying leaves the code unused', async () => {
    server.me = SITE;
    open('/vao?code=B-CODE');
    await says('Máy này đang là Điểm cầu A. Chuyển thành điểm cầu của phiếu này?');
    await tap('switch-stay');
    await shown('site-page');
    expect(server.codes).toEqual([]);
  });

  it('turns a site into another when its clerk says so', async () => {
    server.me = SITE;
    open('/vao?code=B-CODE');
    await tap('switch-go');
    await shown('site-page');
    expect(server.codes).toEqual([{ code: 'B-CODE', replace: true }]);
  });

  it('says that the code is spent, and lets the clerk stay who he is', async () => {
    server.me = SITE;
    server.answers = [{ status: 401, code: 'bad_code' }];
    open('/vao?code=B-CODE');
    await tap('switch-go');
    await says('Mã kích hoạt không đúng hoặc đã được dùng');
    await tap('switch-stay');
    await shown('site-page');
  });

  it.each(['conflict', 'bad_code'])('asks when another tab was faster (%s)', async (code) => {
    server.answers = [{ status: 409, code }];
    server.becomes = SITE;
    open('/vao?code=B-CODE');
    await shown('switch-site');
    expect(server.codes).toEqual([{ code: 'B-CODE' }]);
  });

  it('asks before it sends a code that was typed as well', async () => {
    server.me = SITE;
    open('/vao');
    const field = (await shown('activation-code')) as HTMLInputElement;
    // As a key does: React reads the value through the element's own setter.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, 'B-CODE');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await tap('activation-submit');
    await shown('switch-site');
    expect(server.codes).toEqual([]);
  });

  it('says in the form what failed, where it can be tried again', async () => {
    server.answers = [{ status: 401, code: 'bad_code' }];
    open('/vao?code=B-CODE');
    await says('Mã kích hoạt không đúng hoặc đã được dùng');
    expect(found('activation-submit')).not.toBeNull();
  });
});
