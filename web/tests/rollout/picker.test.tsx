import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { http } from '../../src/http';
import { startLanguages } from '../../src/i18n';
import type { UnitMatch } from '../../src/protocol/types';
import { UnitPicker } from '../../src/rollout/UnitPicker';

const match = (code: string, path: string) => ({ unit: { code }, path }) as UnitMatch;
const TAN_LOI = [match('05704', 'xã Tân Lợi, Đồng Hỷ'), match('25432', 'xã Tân Lợi, Đồng Phú')];

let root: Root;
let host: HTMLElement;
/** Answers the question that is on its way. */
let answer: (found: UnitMatch[]) => void;
const picked: string[] = [];

const input = () => host.querySelector('input') ?? expect.fail('no input');
const marked = () => host.querySelector('[data-combobox-selected]')?.textContent ?? null;

function type(text: string): void {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input(), text);
  input().dispatchEvent(new Event('input', { bubbles: true }));
}

function press(key: string): void {
  input().dispatchEvent(new KeyboardEvent('keydown', { key, code: key, bubbles: true, cancelable: true }));
}

/** Types and waits until it is asked for. */
async function ask(text: string): Promise<void> {
  type(text);
  await vi.waitFor(() => expect(http.searchUnits).toHaveBeenLastCalledWith(text, 12, expect.anything()));
}

describe('the picker of a unit', () => {
  beforeAll(async () => {
    await startLanguages();
    Element.prototype.scrollIntoView = vi.fn();
  });

  beforeEach(async () => {
    picked.length = 0;
    vi.spyOn(http, 'searchUnits').mockImplementation(() => new Promise((done) => (answer = done)));
    host = document.body.appendChild(document.createElement('div'));
    root = createRoot(host);
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <MantineProvider>
          <UnitPicker label="Đơn vị" testid="unit" onPick={({ code }) => picked.push(code)} />
        </MantineProvider>
      </QueryClientProvider>,
    );
    await vi.waitFor(() => input());
    input().focus();
  });

  afterEach(() => {
    root.unmount();
    host.remove();
    vi.restoreAllMocks();
  });

  it('keeps the arrow that came before the options, and Enter takes what it marked', async () => {
    await ask('tan loi');
    press('ArrowDown');
    answer(TAN_LOI);
    await vi.waitFor(() => expect(marked()).toContain('Đồng Hỷ'));
    expect(input().getAttribute('aria-activedescendant')).toBe(
      host.querySelector('[data-combobox-selected]')?.id,
    );
    press('ArrowDown');
    expect(marked()).toContain('Đồng Phú');
    press('Enter');
    expect(picked).toEqual(['25432']);
  });

  it('takes with an early Enter the only one, and of several none that nobody has seen', async () => {
    await ask('tan loi');
    press('ArrowDown');
    press('Enter');
    answer(TAN_LOI);
    await vi.waitFor(() => expect(marked()).toContain('Đồng Hỷ'));
    expect(picked).toEqual([]);
    await ask('25432');
    press('ArrowDown');
    press('Enter');
    answer(TAN_LOI.slice(1));
    await vi.waitFor(() => expect(picked).toEqual(['25432']));
  });

  it('forgets the mark when other words are typed', async () => {
    await ask('tan');
    answer(TAN_LOI);
    await vi.waitFor(() => expect(host.querySelectorAll('[role=option]')).toHaveLength(2));
    press('ArrowDown');
    type('tan loi');
    press('Enter');
    await vi.waitFor(() =>
      expect(http.searchUnits).toHaveBeenLastCalledWith('tan loi', 12, expect.anything()),
    );
    answer(TAN_LOI);
    await vi.waitFor(() => expect(host.querySelectorAll('[role=option]')).toHaveLength(2));
    expect([marked(), picked]).toEqual([null, []]);
  });
});
