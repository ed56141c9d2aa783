import { MantineProvider } from '@mantine/core';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { startLanguages } from '../../src/i18n';
import type { Message } from '../../src/protocol/types';
import { AskCard } from '../../src/site/AskCard';
import type { SiteFacets, SiteSession } from '../../src/site/session';
import type { SiteScene } from '../../src/site/useSite';
import { openMeeting } from '../models/states';

const message = (id: string, over: Partial<Message> = {}): Message => ({
  n: 1,
  id,
  at: '2021-09-05T02:00:00.000Z',
  from: { kind: 'person', id: 'p_1', name: 'Bình' },
  to: 'all',
  text: `tin ${id}`,
  ask: true,
  ...over,
});

let root: Root;
let host: HTMLElement;
const store = createStore<Pick<SiteFacets, 'answered' | 'justAnswered'>>(() => ({
  answered: new Set(),
  justAnswered: null,
}));
const answer = vi.fn((id: string) => {
  store.setState({ answered: new Set([id]), justAnswered: { message: id, at: Date.now() } });
  return Promise.resolve();
});

function show(messages: Message[], over: Parameters<typeof openMeeting>[0] = {}): void {
  const scene = { me: 's_1', state: openMeeting({ messages, ...over }) } as SiteScene;
  root.render(
    <MantineProvider>
      <AskCard session={{ store, answer } as unknown as SiteSession} scene={scene} />
    </MantineProvider>,
  );
}

const found = (id: string) => host.querySelector<HTMLElement>(`[data-testid="${id}"]`);
const shown = (id: string) =>
  vi.waitFor(() => found(id) ?? expect.fail(`${id} is not shown`), { interval: 5 });

describe('a message that asks for an answer', () => {
  beforeAll(startLanguages);

  beforeEach(() => {
    store.setState({ answered: new Set(), justAnswered: null });
    answer.mockClear();
    host = document.body.appendChild(document.createElement('div'));
    root = createRoot(host);
  });

  afterEach(() => {
    root.unmount();
    host.remove();
  });

  it('stands with one button until it is answered, then says that it is', async () => {
    show([message('t_1'), message('t_2')]);
    const button = await shown('answer');
    expect(host.textContent).toContain('tin t_1');
    expect(host.textContent).toContain('Đã rõ');
    button.focus();
    expect(document.activeElement).toBe(button);
    button.click();
    await shown('answered');
    expect(answer).toHaveBeenCalledWith('t_1');
    expect(host.textContent).toContain('Đã trả lời');
    expect(found('answer')).toBeNull();
    store.setState({ justAnswered: null });
    await shown('answer');
    expect(host.textContent).toContain('tin t_2');
  });

  it('is not shown where nobody is asked', async () => {
    show([message('t_1', { ask: false }), message('t_2', { to: 's_2' }), message('t_3')]);
    await shown('ask');
    expect(host.textContent).toContain('tin t_3');
    show([message('t_3')], { status: 'ended' });
    await vi.waitFor(() => expect(found('ask')).toBeNull(), { interval: 5 });
  });
});
