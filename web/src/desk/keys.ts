import type { CommandName } from '../protocol/types';

export type Action =
  | 'find'
  | 'cut'
  | 'undo'
  | 'layoutOne'
  | 'layoutTwo'
  | 'layoutFour'
  | 'layoutSpeakerChair'
  | 'layoutSlides'
  | 'hold'
  | 'holdWords'
  | 'captions'
  | 'captionWords'
  | 'pinChair'
  | 'slides'
  | 'nextPage'
  | 'previousPage'
  | 'give'
  | 'end'
  | 'preview'
  | 'call'
  | 'hangUp'
  | 'next'
  | 'mute'
  | 'muteAll'
  | 'nextFloor'
  | 'list'
  | 'forward'
  | 'extend'
  | 'talk'
  | 'talkEnd'
  | 'lineUp'
  | 'write'
  | 'regions'
  | 'help';

/** What the server is asked for by an action, where it may say no to this desk. */
export const COMMAND_OF: Partial<Record<Action, CommandName>> = {
  cut: 'stage.cut',
  undo: 'stage.cut',
  layoutOne: 'stage.preview',
  layoutTwo: 'stage.preview',
  layoutFour: 'stage.preview',
  layoutSpeakerChair: 'stage.preview',
  layoutSlides: 'stage.preview',
  hold: 'stage.hold',
  holdWords: 'stage.hold',
  captions: 'stage.captions',
  captionWords: 'stage.caption',
  pinChair: 'stage.chair',
  slides: 'presentation.start',
  give: 'floor.give',
  nextFloor: 'floor.give',
  end: 'floor.end',
  extend: 'floor.extend',
  preview: 'stage.preview',
  next: 'stage.preview',
  lineUp: 'stage.line_up',
  call: 'call.start',
  talk: 'talk.open',
  list: 'list.add',
  forward: 'hand.forward',
  mute: 'mute',
  muteAll: 'mute',
};

export interface Press {
  key: string;
  code: string;
  shift: boolean;
  ctrl: boolean;
  alt: boolean;
  repeat: boolean;
}

/** Where the focus is: a text field takes letters, a widget that was reached by keyboard takes its own Enter. */
export type Where = 'page' | 'text' | 'widget' | 'dialog';

// By code and not by letter: with a Vietnamese input method switched on, a letter arrives as `Process`.
const BY_CODE: Record<string, Action> = {
  KeyZ: 'undo',
  KeyG: 'give',
  KeyE: 'end',
  KeyP: 'preview',
  KeyC: 'call',
  KeyH: 'hangUp',
  KeyN: 'next',
  KeyM: 'mute',
  KeyA: 'list',
  KeyF: 'forward',
  Equal: 'extend',
  NumpadAdd: 'extend',
  KeyT: 'talk',
  KeyL: 'lineUp',
  KeyW: 'write',
  KeyB: 'hold',
  KeyK: 'captions',
  KeyS: 'slides',
  // What a hand-held presenter sends.
  PageDown: 'nextPage',
  PageUp: 'previousPage',
  Digit1: 'layoutOne',
  Numpad1: 'layoutOne',
  Digit2: 'layoutTwo',
  Numpad2: 'layoutTwo',
  Digit3: 'layoutSpeakerChair',
  Numpad3: 'layoutSpeakerChair',
  Digit4: 'layoutFour',
  Numpad4: 'layoutFour',
  Digit5: 'layoutSlides',
  Numpad5: 'layoutSlides',
};

const SHIFTED: Record<string, Action> = {
  KeyM: 'muteAll',
  KeyN: 'nextFloor',
  Equal: 'extend',
  KeyT: 'talkEnd',
  KeyB: 'holdWords',
  KeyK: 'captionWords',
  KeyC: 'pinChair',
};

/** What a key press does at the desk, or null when it is not the desk's. */
export function actionOf(press: Press, where: Where): Action | null {
  if (where === 'dialog' || press.alt) return null;
  if (press.key === 'F6') return 'regions';
  if (press.ctrl) return press.code === 'KeyK' ? 'find' : null;
  if (where === 'text') return null;
  if (press.key === '/') return 'find';
  if (press.key === '?') return 'help';
  // A held key must not cut again and again.
  if (press.repeat) return null;
  if (press.key === 'Enter') return where === 'page' ? 'cut' : null;
  if (press.shift) return SHIFTED[press.code] ?? null;
  return BY_CODE[press.code] ?? null;
}

/** Where a key was pressed. A button that was clicked keeps the focus, but its Enter is the desk's. */
export function whereOf(target: EventTarget | null): Where {
  if (!(target instanceof HTMLElement)) return 'page';
  if (target.closest('[role=dialog], [role=menu]')) return 'dialog';
  if (target.matches('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]'))
    return 'text';
  const widget = target.closest(
    'button, a, summary, [role=tree], [role=listbox], [role=option], [role=treeitem], input',
  );
  return widget?.matches(':focus-visible') ? 'widget' : 'page';
}
