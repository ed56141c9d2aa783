import { createContext, use, useCallback, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import type { Still } from '../media/stills';
import type { LiveMeeting } from '../models/live';
import { pathOf, siteTitle } from '../models/roster';
import type { MeetingState } from '../protocol/types';
import type { DeskFacets, DeskSession } from './session';

export const DeskContext = createContext<DeskSession | null>(null);

export function useDesk(): DeskSession {
  const session = use(DeskContext);
  if (session === null) throw new Error('a part of the desk stands outside of it');
  return session;
}

export function useDeskState<T>(pick: (s: DeskFacets) => T): T {
  return useStore(useDesk().store, pick);
}

export function useLiveMeeting<T>(pick: (s: LiveMeeting) => T): T {
  return useStore(useDesk().model.store, pick);
}

export function useMeetingState(): MeetingState | null {
  return useLiveMeeting((s) => s.state);
}

/** Rises with every change of the roster: read the tree after it. */
export function useRosterVersion(): number {
  return useStore(useDesk().roster.version, (s) => s.version);
}

/** Whether the person at the desk has a right; until the server has said who it is, it is taken that he has. */
export function useMay(): (right: string) => boolean {
  const who = useStore(useDesk().wire.state, (s) => s.who);
  return (right) => who === null || who.may.includes(right);
}

export interface Name {
  title: string;
  path: string;
}

/** Names a site by the roster, or by the state for who is not in it. */
export function useNames(): (site: string) => Name {
  const { roster } = useDesk();
  const sites = useLiveMeeting((s) => s.state?.sites);
  const version = useRosterVersion();
  return useCallback(
    (id) => {
      const node = roster.sites.get(id);
      if (node) return { title: siteTitle(node), path: pathOf(node) };
      const known = sites?.[id];
      return { title: known?.label ?? id, path: known?.path ?? '' };
    },
    // The roster is mutable: its version stands for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
    [roster, sites, version],
  );
}

export function useStill(site: string | null): Still {
  const { stills } = useDesk();
  return useSyncExternalStore(
    useCallback((changed) => (site === null ? () => undefined : stills.watch(site, changed)), [stills, site]),
    () => stills.get(site ?? ''),
  );
}
