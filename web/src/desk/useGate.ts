import type { CommandName } from '../protocol/types';
import { useRefusals } from './useRefusals';

/** Props of a control that gives the command: shut and saying why, or open with what it does. `off`: nothing to do just now. */
export function useGate(): (
  command: CommandName,
  hint?: string,
  off?: boolean,
) => { disabled: boolean; title: string | undefined } {
  const why = useRefusals();
  return (command, hint, off = false) => {
    const refused = why(command);
    return { disabled: off || refused !== undefined, title: refused ?? hint };
  };
}
