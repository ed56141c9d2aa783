import type { Mic } from '../protocol/types';
import type { Action } from './keys';

export type Target =
  | { kind: 'site'; joined: boolean; speaks: boolean; mic: Mic; lined: boolean; listed: boolean }
  | { kind: 'unit'; expanded: boolean };

export type RowAction =
  Extract<Action, 'preview' | 'call' | 'lineUp' | 'talk' | 'give' | 'end' | 'mute' | 'list'> | 'expand';

export interface Entry {
  action: RowAction;
  text:
    | 'desk.toPreview'
    | 'inspections.call'
    | 'talkback.lineUp.add'
    | 'talkback.lineUp.remove'
    | 'talkback.talk'
    | 'desk.give'
    | 'desk.end'
    | 'desk.muteSite'
    | 'desk.unmuteSite'
    | 'desk.muteUnit'
    | 'floor.toList'
    | 'desk.expand'
    | 'desk.collapse';
  /** The key that does the same with the row chosen. */
  key: string;
  off: boolean;
}

/** What can be done with a row of the tree, as the keys do it; `open`: the meeting runs. */
export function entriesFor(target: Target, open: boolean): Entry[] {
  if (target.kind === 'unit')
    return [
      { action: 'mute', text: 'desk.muteUnit', key: 'M', off: !open },
      target.expanded
        ? { action: 'expand', text: 'desk.collapse', key: '←', off: false }
        : { action: 'expand', text: 'desk.expand', key: '→', off: false },
    ];
  const { joined, speaks, mic, lined, listed } = target;
  return [
    { action: 'preview', text: 'desk.toPreview', key: 'P', off: !open },
    speaks
      ? { action: 'end', text: 'desk.end', key: 'E', off: !open }
      : { action: 'give', text: 'desk.give', key: 'G', off: !open || !joined },
    {
      action: 'mute',
      text: mic === 'muted' ? 'desk.unmuteSite' : 'desk.muteSite',
      key: 'M',
      off: !open || mic === 'off',
    },
    {
      action: 'lineUp',
      text: lined ? 'talkback.lineUp.remove' : 'talkback.lineUp.add',
      key: 'L',
      off: !open,
    },
    { action: 'list', text: 'floor.toList', key: 'A', off: !open || listed },
    { action: 'talk', text: 'talkback.talk', key: 'T', off: !open || !joined },
    { action: 'call', text: 'inspections.call', key: 'C', off: !open },
  ];
}
