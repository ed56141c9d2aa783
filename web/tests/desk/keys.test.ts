import { describe, expect, it } from 'vitest';
import { actionOf, whereOf, type Press } from '../../src/desk/keys';

const press = (key: string, code = '', over: Partial<Press> = {}): Press => ({
  key,
  code,
  shift: false,
  ctrl: false,
  alt: false,
  repeat: false,
  ...over,
});

describe('the keys of the desk', () => {
  it('cut once, not while the key is held, not out of a text field', () => {
    expect(actionOf(press('Enter'), 'page')).toBe('cut');
    expect(actionOf(press('Enter', '', { repeat: true }), 'page')).toBeNull();
    expect(actionOf(press('Enter'), 'text')).toBeNull();
    expect(actionOf(press('Enter'), 'widget')).toBeNull();
    expect(actionOf(press('Enter'), 'dialog')).toBeNull();
  });

  it('work while a Vietnamese input method is on', () => {
    expect(actionOf(press('Process', 'KeyZ'), 'page')).toBe('undo');
    expect(actionOf(press('1', 'Numpad1'), 'page')).toBe('layoutOne');
    expect(actionOf(press('3', 'Digit3'), 'page')).toBe('layoutSpeakerChair');
    expect(actionOf(press('5', 'Digit5'), 'page')).toBe('layoutSlides');
    expect(actionOf(press('b', 'KeyB'), 'page')).toBe('hold');
    expect(actionOf({ ...press('B', 'KeyB'), shift: true }, 'page')).toBe('holdWords');
    expect(actionOf({ ...press('C', 'KeyC'), shift: true }, 'page')).toBe('pinChair');
    expect(actionOf(press('PageDown', 'PageDown'), 'page')).toBe('nextPage');
    expect(actionOf(press('b', 'KeyB'), 'text')).toBeNull();
  });

  it('leave letters to whoever types, and the browser its own shortcuts', () => {
    expect(actionOf(press('g', 'KeyG'), 'text')).toBeNull();
    expect(actionOf(press('z', 'KeyZ', { ctrl: true }), 'page')).toBeNull();
    expect(actionOf(press('k', 'KeyK', { ctrl: true }), 'text')).toBe('find');
    expect(actionOf(press('F6'), 'text')).toBe('regions');
  });

  it('mute one with M, all only with Shift', () => {
    expect(actionOf(press('m', 'KeyM'), 'page')).toBe('mute');
    expect(actionOf(press('M', 'KeyM', { shift: true }), 'page')).toBe('muteAll');
    expect(actionOf(press('G', 'KeyG', { shift: true }), 'page')).toBeNull();
  });

  it('talk with T, not by its repeats, and end with Shift', () => {
    expect(actionOf(press('t', 'KeyT'), 'page')).toBe('talk');
    expect(actionOf(press('t', 'KeyT', { repeat: true }), 'page')).toBeNull();
    expect(actionOf(press('T', 'KeyT', { shift: true }), 'page')).toBe('talkEnd');
    expect(actionOf(press('t', 'KeyT'), 'text')).toBeNull();
  });

  it('know where they were pressed', () => {
    document.body.innerHTML = '<input id="a"><div role="dialog"><button id="b"></button></div><p id="c"></p>';
    const at = (id: string) => whereOf(document.getElementById(id));
    expect([at('a'), at('b'), at('c'), whereOf(null)]).toEqual(['text', 'dialog', 'page', 'page']);
  });
});
