import { describe, expect, it } from 'vitest';
import { actionOf } from '../../src/desk/keys';
import { entriesFor, type Target } from '../../src/desk/rowMenu';

const site = (over: Partial<Extract<Target, { kind: 'site' }>> = {}): Target => ({
  kind: 'site',
  joined: true,
  speaks: false,
  mic: 'off',
  lined: false,
  listed: false,
  ...over,
});
const can = (target: Target, open = true) =>
  entriesFor(target, open)
    .filter((one) => !one.off)
    .map((one) => one.action);

describe('the menu of a row', () => {
  it('names for each command the key that does it', () => {
    for (const target of [site(), site({ speaks: true }), { kind: 'unit', expanded: true } as const])
      for (const { action, key } of entriesFor(target, true))
        if (action !== 'expand')
          expect(
            actionOf(
              { key, code: `Key${key}`, shift: false, ctrl: false, alt: false, repeat: false },
              'page',
            ),
          ).toBe(action);
  });

  it('offers what the site can do now', () => {
    expect(can(site())).toEqual(['preview', 'give', 'lineUp', 'list', 'talk', 'call']);
    expect(can(site({ joined: false, listed: true }))).toEqual(['preview', 'lineUp', 'call']);
    const speaking = entriesFor(site({ speaks: true, mic: 'muted' }), true);
    expect(speaking.map((one) => one.text)).toEqual(expect.arrayContaining(['desk.end', 'desk.unmuteSite']));
    expect(can(site(), false)).toEqual([]);
  });

  it('mutes a whole branch, and opens or closes it', () => {
    expect(entriesFor({ kind: 'unit', expanded: false }, true).map((one) => one.text)).toEqual([
      'desk.muteUnit',
      'desk.expand',
    ]);
    expect(can({ kind: 'unit', expanded: true }, false)).toEqual(['expand']);
  });
});
