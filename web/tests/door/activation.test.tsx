import { MantineProvider } from '@mantine/core';
import { createRoot, type Root } from 'react-dom/client';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SELF_TEST, SITE_PAGE } from '../../src/door/after';
import { Activation } from '../../src/door/Activation';
import { http } from '../../src/http';
import { startLanguages } from '../../src/i18n';
import { Failure } from '../../src/protocol/failure';
import * as keystore from '../../src/protocol/keystore';

const SITE = { kind: 'site', id: 's_a', name: 'Điểm cầu A', grants: [], csrf: 'c' };
const ANSWER = {
  me: SITE,
  device: 'd',
  conflict: false,
  expires_s: 3600,
  site: { label: 'B', path: 'Xã B' },
};

/** The browser's device and the server behind it: who it is, and what becomes of a code. */
class FakeDevice {
  /** Whether this browser has a site's key. */
  site = false;
  /** Another tab was faster: after the next code it is a site. */
  becomes = false;
  /** What the next code is answered with. */
  failures: Failure[] = [];
  readonly codes: [string, boolean][] = [];

  known = () => Promise.resolve(this.site);
  ensure = () => Promise.resolve();
  activate = (code: string, replace: boolean) => {
    this.codes.push([code, replace]);
    this.site ||= this.becomes;
    const failure = this.failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve(ANSWER);
  };
}

const refusal = (code: string, reason?: string, wait: number | null = null) =>
  new Failure({ status: 401, code, title: '', ...(reason === undefined ? {} : { reason }) }, wait);

let device: FakeDevice;
let root: Root;
let host: HTMLElement;
let router: ReturnType<typeof createMemoryRouter>;

const found = (id: string) => host.querySelector<HTMLElement>(`[data-testid="${id}"]`);

function shown(id: string): Promise<HTMLElement> {
  return vi.waitFor(() => found(id) ?? expect.fail(`${id} is not shown`), { interval: 5 });
}

const says = (text: string) => vi.waitFor(() => expect(host.textContent).toContain(text), { interval: 5 });

async function tap(id: string): Promise<void> {
  (await shown(id)).click();
}

function open(...addresses: string[]): void {
  router = createMemoryRouter(
    [
      { path: '/vao', element: <Activation /> },
      { path: SITE_PAGE, element: <p data-testid="site-page" /> },
      { path: SELF_TEST, element: <p data-testid="self-test" /> },
    ],
    { initialEntries: addresses },
  );
  root.render(
    <MantineProvider>
      <RouterProvider router={router} />
    </MantineProvider>,
  );
}

describe('the link of a connection sheet', () => {
  beforeAll(startLanguages);

  beforeEach(() => {
    device = new FakeDevice();
    vi.spyOn(http, 'device', 'get').mockReturnValue(device as unknown as NonNullable<typeof http.device>);
    vi.spyOn(http, 'me').mockResolvedValue(SITE as never);
    vi.spyOn(http, 'meetings').mockResolvedValue([]);
    vi.spyOn(keystore, 'forgets').mockResolvedValue(false);
    vi.stubGlobal('isSecureContext', true);
    http.page = null;
    host = document.body.appendChild(document.createElement('div'));
    root = createRoot(host);
  });

  afterEach(() => {
    root.unmount();
    host.remove();
  });

  it.each(['/vao#code=B-CODE', '/vao?code=B-CODE'])(
    'makes this browser a site without a question, and leaves the code nowhere (%s)',
    async (address) => {
      open(address);
      await shown('activated');
      expect(router.state.location).toMatchObject({ pathname: '/vao', search: '', hash: '' });
      await says('Xã B');
      await tap('activated-go');
      await shown('self-test');
      expect(device.codes).toEqual([['B-CODE', false]]);
    },
  );

  it('goes on to the self-test by itself', async () => {
    open('/vao#code=B-CODE');
    await shown('activated');
    await vi.waitFor(() => found('self-test') ?? expect.fail('still there'), { timeout: 4_000 });
  });

  it.each([
    ['open', 'site-page'],
    ['scheduled', 'self-test'],
  ])('tests nothing while a meeting is open (%s: %s)', async (status, where) => {
    const told = () =>
      http.page === 'site' ? Promise.resolve([{ status }]) : Promise.reject(refusal('csrf'));
    vi.spyOn(http, 'meetings').mockImplementation(told as never);
    open('/vao#code=B-CODE');
    await tap('activated-go');
    await shown(where);
  });

  it('goes to the self-test when the meetings are not told', async () => {
    vi.spyOn(http, 'meetings').mockRejectedValue(refusal('forbidden'));
    open('/vao#code=B-CODE');
    await tap('activated-go');
    await shown('self-test');
  });

  it('does not turn a site into another by itself: it asks, and staying leaves the code unused', async () => {
    device.site = true;
    open('/vao#code=B-CODE');
    await says('Máy này đang là Điểm cầu A. Chuyển thành điểm cầu của phiếu này?');
    await tap('switch-stay');
    await shown('site-page');
    expect(device.codes).toEqual([]);
  });

  it('turns a site into another when its clerk says so', async () => {
    device.site = true;
    open('/vao#code=B-CODE');
    await tap('switch-go');
    await tap('activated-go');
    await shown('self-test');
    expect(device.codes).toEqual([['B-CODE', true]]);
  });

  it('says that the code is spent, and lets the clerk stay who he is', async () => {
    device.site = true;
    device.failures = [refusal('bad_code', 'used')];
    open('/vao#code=B-CODE');
    await tap('switch-go');
    await says('Phiếu này đã được dùng');
    await tap('switch-stay');
    await shown('site-page');
  });

  it.each(['conflict', 'bad_code'])('asks when another tab was faster (%s)', async (code) => {
    device.failures = [refusal(code)];
    device.becomes = true;
    open('/vao#code=B-CODE');
    await shown('switch-site');
    expect(device.codes).toEqual([['B-CODE', false]]);
  });

  it('asks before it sends a code that was typed as well', async () => {
    device.site = true;
    open('/vao');
    const field = (await shown('activation-code')) as HTMLInputElement;
    // As a key does: React reads the value through the element's own setter.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, 'B-CODE');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await tap('activation-submit');
    await shown('switch-site');
    expect(device.codes).toEqual([]);
  });

  it.each([
    ['used', refusal('bad_code', 'used'), 'Tôi có phiếu khác'],
    ['expired', refusal('bad_code', 'expired'), 'Tôi có phiếu mới'],
    ['revoked', refusal('bad_code', 'revoked'), 'Tôi có phiếu mới'],
    ['wrong', refusal('bad_code'), 'Nhập lại mã'],
    ['limited', refusal('too_many_requests', undefined, 7), 'Thử lại'],
    ['insecure', Failure.local('insecure', ''), 'Mở trang https'],
    ['storage', Failure.local('storage_refused', ''), 'Thử lại'],
    ['offline', Failure.local('offline', ''), 'Thử lại'],
    ['busy', refusal('busy'), 'Thử lại'],
    ['other', refusal('bad_proof'), 'Thử lại'],
  ])('has one thing to do about every fault (%s)', async (fault, failure, action) => {
    device.failures = [failure];
    open('/vao#code=B-CODE');
    expect((await shown('door-fault')).dataset['fault']).toBe(fault);
    const button = found('door-fault-action') as HTMLButtonElement;
    expect(button.textContent).toBe(action);
    expect(host.querySelectorAll('main button')).toHaveLength(1);
    expect(button.disabled).toBe(fault === 'limited');
  });

  it('tries the same code again where that can help', async () => {
    device.failures = [Failure.local('offline', '')];
    open('/vao#code=B-CODE');
    await tap('door-fault-action');
    await shown('activated');
    expect(device.codes).toHaveLength(2);
  });

  it('asks for another sheet where only that can help', async () => {
    device.failures = [refusal('bad_code', 'expired')];
    open('/vao#code=B-CODE');
    await tap('door-fault-action');
    await shown('activation-code');
  });

  it('does not spend a sheet on a private window unless its clerk says so', async () => {
    vi.spyOn(keystore, 'forgets').mockResolvedValue(true);
    open('/vao#code=B-CODE');
    expect((await shown('door-fault')).dataset['fault']).toBe('private');
    expect(device.codes).toEqual([]);
    await tap('door-fault-action');
    await shown('activated');
  });
});
