import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { DeskSession } from '../../src/desk/session';
import { DeskContext } from '../../src/desk/useDesk';
import { http } from '../../src/http';
import { startLanguages } from '../../src/i18n';
import { ScreensMenu } from '../../src/screens/ScreensMenu';

let root: Root;

/** A desk of a person with these rights, or of whom the server has not named yet (null), and one wall that is another's. */
function open(may: string[] | null): void {
  const wall = {
    id: 'w_1',
    kind: 'wall',
    person: 'p_other',
    name: 'Trần Thị Bình',
    label: '',
    show: { captions: false, sound: false, layout: null },
    status: { full_screen: true, sound: 'off', live: 0, patrol: null },
  };
  const desk = {
    meeting: 'm_1',
    wire: { state: createStore(() => ({ who: may === null ? null : { id: 'p_me', may } })) },
    model: { store: createStore(() => ({ state: null, screens: [wall] })) },
    store: createStore(() => ({ selected: null })),
    roster: { sites: new Map(), version: createStore(() => ({ version: 0 })) },
  };
  root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(
    <QueryClientProvider client={new QueryClient()}>
      <MantineProvider env="test">
        <DeskContext value={desk as unknown as DeskSession}>
          <ScreensMenu />
        </DeskContext>
      </MantineProvider>
    </QueryClientProvider>,
  );
}

const find = (testid: string) => document.querySelector<HTMLButtonElement>(`[data-testid="${testid}"]`);

async function opened(may: string[] | null) {
  const asked = vi.spyOn(http, 'json').mockResolvedValue({ sites: [], layouts: [] });
  open(may);
  await vi.waitFor(() => expect(find('screens')).not.toBeNull());
  find('screens')?.click();
  await vi.waitFor(() => expect(find('open-wall')).not.toBeNull());
  return asked;
}

describe('the menu of screens', () => {
  beforeAll(() => startLanguages());
  afterEach(() => {
    root.unmount();
    document.body.replaceChildren();
    vi.restoreAllMocks();
  });

  it('asks for nothing that an auditor may not, and says why it is shut', async () => {
    const asked = await opened(['rollcall.see', 'log.read']);
    expect(asked).not.toHaveBeenCalled();
    expect(find('open-stage')?.disabled).toBe(false);
    expect([find('open-wall')?.disabled, find('open-leader')?.disabled]).toEqual([true, true]);
    expect(document.body.textContent).toContain('Vai trò của bạn không mở được cửa sổ này.');
    expect(find('shortlist')).toBeNull();
    expect(find('shortlist-shut')?.textContent).toContain('do người điều hành cuộc họp giữ');
    expect(find('screen-row')?.querySelector('fieldset')?.disabled).toBe(true);
  });

  it('asks for nothing before the server has said who it is', async () => {
    const asked = await opened(null);
    expect(asked).not.toHaveBeenCalled();
    expect(find('shortlist-shut')).toBeNull();
  });

  it("offers a director the list, and every window's controls", async () => {
    const asked = await opened(['screen.wall', 'screen.leader', 'screen.drive']);
    await vi.waitFor(() => expect(asked).toHaveBeenCalledWith('GET', '/meetings/m_1/shortlist'));
    expect(asked).toHaveBeenCalledWith('GET', '/wall/layouts');
    expect(find('shortlist')).not.toBeNull();
    expect(find('screen-row')?.querySelector('fieldset')?.disabled).toBe(false);
  });
});
