import { useStore } from 'zustand';
import { refusalOf } from '../models/above';
import { useErrorText } from '../parts/useErrorText';
import type { CommandName } from '../protocol/types';
import { useDesk, useLiveMeeting, useMeetingState } from './useDesk';

/** In words, why this desk may not give a command; undefined where it may. */
export function useRefusals(): (command: CommandName, whole?: boolean) => string | undefined {
  const session = useDesk();
  const who = useStore(session.wire.state, (s) => s.who);
  const state = useMeetingState();
  const observers = useLiveMeeting((s) => s.observers);
  const errorText = useErrorText();
  return (command, whole) => {
    const code = refusalOf(command, who, state, observers, whole);
    return code === null ? undefined : errorText(code);
  };
}
