import { useEffect, useRef } from 'react';
import { firstComing, floorQueue } from '../models/floor';
import { actionOf, COMMAND_OF, whereOf, type Action } from './keys';
import type { DeskSession } from './session';

/** The desk's keys, heard on the whole page. */
export function useHotkeys(session: DeskSession, help: () => void): void {
  const latest = useRef(help);
  useEffect(() => {
    latest.current = help;
  });
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const where = whereOf(event.target);
      if (event.key === 'Escape' && where === 'text') (event.target as HTMLElement).blur();
      // A panel that has used the key says so.
      if (event.defaultPrevented) return;
      const action = actionOf(
        {
          key: event.key,
          code: event.code,
          shift: event.shiftKey,
          ctrl: event.ctrlKey || event.metaKey,
          alt: event.altKey,
          repeat: event.repeat,
        },
        where,
      );
      if (action === null) return;
      // Without slides of its own the page keeps its keys for scrolling.
      if ((action === 'nextPage' || action === 'previousPage') && !presents(session)) return;
      event.preventDefault();
      if (action === 'regions') nextRegion(event.shiftKey ? -1 : 1);
      else if (action === 'help') latest.current();
      else if (!isRefused(session, action)) run(session, action, event.timeStamp);
    };
    // The key that is held to talk: wherever the focus went meanwhile, letting it go ends it.
    const letGo = (event: KeyboardEvent) => {
      if (event.code === 'KeyT') session.talk.release(event.timeStamp);
    };
    addEventListener('keydown', hear);
    addEventListener('keyup', letGo);
    addEventListener('click', letKeysGo, true);
    return () => {
      removeEventListener('keydown', hear);
      removeEventListener('keyup', letGo);
      removeEventListener('click', letKeysGo, true);
    };
  }, [session]);
}

/** A button that was pressed by pointer does not keep the keys: the next Enter cuts, and presses no button again, also
 * when a dialog that it opened has given the focus back. */
function letKeysGo(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest('button') : null;
  const pointed = event.detail > 0 && button !== null && button === document.activeElement;
  if (pointed && button.closest('[role=dialog], [role=menu]') === null) button.blur();
}

/** A desk that may not do it says why, once, and the server is not asked. */
function isRefused(session: DeskSession, action: Action): boolean {
  const command = COMMAND_OF[action];
  if (command === undefined) return false;
  const code = session.refusal(command, action === 'muteAll' || undefined);
  session.refuse(code);
  return code !== null;
}

const presents = (session: DeskSession) => session.presenter.store.getState().kind === 'deck';

/** Does what a key does, with what is selected. `at`: the event's time. */
export function run(session: DeskSession, action: Exclude<Action, 'regions' | 'help'>, at: number): void {
  const { selected } = session.store.getState();
  const queue = floorQueue(session.model.store.getState());
  const centre = session.model.store.getState().state?.reach === 'centre';
  const first = firstComing(queue, (id) => session.roster.sites.get(id)?.joined ?? false);
  const site = selected?.kind === 'site' ? selected.id : null;
  switch (action) {
    case 'find':
      focus('[data-testid=roster-search]');
      break;
    case 'write':
      focus('[data-testid=message-text]');
      break;
    case 'cut':
      void session.cut();
      break;
    case 'undo':
      void session.undo();
      break;
    case 'layoutOne':
      void session.layout('one');
      break;
    case 'layoutTwo':
      void session.layout('two');
      break;
    case 'layoutFour':
      void session.layout('four');
      break;
    case 'layoutSpeakerChair':
      void session.layout('speaker_chair');
      break;
    case 'layoutSlides':
      void session.layout('slides_speaker');
      break;
    case 'hold':
      void session.hold();
      break;
    case 'holdWords':
      session.ask('hold');
      break;
    case 'captions':
      void session.toggleCaptions();
      break;
    case 'captionWords':
      session.askCaption();
      break;
    case 'pinChair':
      void session.togglePinChair();
      break;
    case 'slides':
      void session.slides();
      break;
    case 'nextPage':
      void session.presenter.next();
      break;
    case 'previousPage':
      void session.presenter.previous();
      break;
    case 'give': {
      const to = site ?? first;
      if (to !== null) void session.give(to);
      break;
    }
    case 'end': {
      const speakers = queue.filter((e) => e.role === 'speaker').map((e) => e.site);
      const who = site !== null && speakers.includes(site) ? site : speakers.at(-1);
      if (who !== undefined) void session.end(who);
      break;
    }
    case 'preview':
      if (site !== null) void session.preview(site);
      break;
    case 'call':
      if (site !== null) void session.dial(site);
      break;
    case 'hangUp':
      void session.hangUp(null);
      break;
    case 'next':
      session.next(first);
      break;
    case 'talk':
      if (site !== null) session.talk.press(site, at);
      break;
    case 'talkEnd':
      if (site !== null) session.talk.end(site);
      break;
    case 'lineUp':
      if (site !== null) void session.lineUp(site);
      break;
    case 'nextFloor':
      if (first !== null) void session.give(first);
      break;
    case 'list':
      if (site !== null && centre) void session.command('list.add', { site });
      break;
    case 'forward': {
      const waiting = queue.filter((e) => e.hand?.branch && e.hand.forwarded === null).map((e) => e.site);
      const whose = site !== null && waiting.includes(site) ? site : waiting[0];
      if (whose !== undefined && !centre) {
        session.showTab('waiting');
        session.write(whose, 'forward');
      }
      break;
    }
    case 'extend': {
      const speakers = queue.filter((e) => e.role === 'speaker').map((e) => e.site);
      const who = site !== null && speakers.includes(site) ? site : speakers.at(-1);
      if (who !== undefined && centre) void session.command('floor.extend', { site: who, minutes: 1 });
      break;
    }
    case 'mute':
      void session.toggleMute(selected);
      break;
    case 'muteAll':
      void session.muteAll();
      break;
  }
}

function focus(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  if (element instanceof HTMLInputElement) element.select();
}

/** F6, as in a browser: from panel to panel. */
function nextRegion(step: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')];
  const here = regions.findIndex((r) => r.contains(document.activeElement));
  const target = regions[(here + step + regions.length) % regions.length];
  target
    ?.querySelector<HTMLElement>('input, button:not([disabled]), a[href], [tabindex="0"], textarea')
    ?.focus({ preventScroll: false });
}
