import { Menu } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { micOf } from '../models/floor';
import { siteTitle, titleOf, type Row } from '../models/roster';
import { COMMAND_OF } from './keys';
import { entriesFor, type RowAction, type Target } from './rowMenu';
import classes from './roster.module.css';
import { useDesk, useMeetingState } from './useDesk';
import { run } from './useHotkeys';
import { useRefusals } from './useRefusals';

const CLOSING = ['mousedown', 'touchstart'];

/** Where a menu was asked for, in the window's pixels. */
export interface At {
  row: Row;
  x: number;
  y: number;
}

/** What can be done with a row of the tree, each with the key that does it too. */
export function RowMenu({ at, onClose }: { at: At | null; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useDesk();
  const state = useMeetingState();
  const why = useRefusals();
  if (at === null) return null;
  const { node } = at.row;
  const site = node.kind === 'site' ? node.id : null;
  const target: Target =
    node.kind === 'unit'
      ? { kind: 'unit', expanded: at.row.expanded }
      : {
          kind: 'site',
          joined: node.joined,
          speaks: state?.floor.speakers.some((s) => s.site === node.id) ?? false,
          mic: micOf(state, node.id),
          lined: state?.stage.line_up?.includes(node.id) ?? false,
          listed: state?.floor.list.some((one) => one.site === node.id) ?? false,
        };
  const act = (action: RowAction, time: number) => {
    if (node.kind === 'unit' && action === 'expand') session.roster.expand(node.code, !at.row.expanded);
    // A key is held to talk; from a menu the word is opened, and spoken with by its own button.
    else if (site !== null && action === 'talk') session.talk.open(site);
    else if (action !== 'expand') run(session, action, time);
  };
  return (
    // Not in a portal: it belongs to the tree's landmark. Fixed, so that the panel does not cut it off.
    <Menu
      opened
      onClose={onClose}
      position="bottom-start"
      offset={2}
      withinPortal={false}
      floatingStrategy="fixed"
      returnFocus
      withInitialFocusPlaceholder={false}
      // Not keys: the one that opens the menu is still on its way to the document. While it is open it has the focus.
      clickOutsideEvents={CLOSING}
      shadow="none"
    >
      <Menu.Target>
        <button
          type="button"
          tabIndex={-1}
          className={classes.menuAt}
          style={{ left: at.x, top: at.y }}
          aria-label={t('desk.keysOf.rowMenu')}
        />
      </Menu.Target>
      <Menu.Dropdown onContextMenu={(event) => event.preventDefault()} data-testid="row-menu">
        <Menu.Label>{node.kind === 'unit' ? titleOf(node) : siteTitle(node)}</Menu.Label>
        {entriesFor(target, state?.status === 'open').map(({ action, text, key, off }) => {
          const command = action === 'expand' ? undefined : COMMAND_OF[action];
          const refused = command === undefined ? undefined : why(command);
          return (
            <Menu.Item
              key={action}
              disabled={off || refused !== undefined}
              title={refused}
              onClick={(event) => act(action, event.timeStamp)}
              rightSection={<kbd className="dc-kbd">{key}</kbd>}
              data-testid={`row-${action}`}
            >
              {t(text)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
