import { createContext, use, useMemo } from 'react';
import { useStore } from 'zustand';
import type { Branch, RollFilter, RollState } from '../models/rollcall';
import type { RollRow } from '../protocol/types';
import type { RollFacets, RollSession } from './session';

export const RollContext = createContext<RollSession | null>(null);

export function useRollSession(): RollSession {
  const session = use(RollContext);
  if (session === null) throw new Error('a part of the roll call stands outside of it');
  return session;
}

export function useRoll<T>(pick: (s: RollState) => T): T {
  return useStore(useRollSession().roll.store, pick);
}

export function useFacets<T>(pick: (s: RollFacets) => T): T {
  return useStore(useRollSession().store, pick);
}

export function useBranches(): Branch[] {
  const { roll } = useRollSession();
  const version = useRoll((s) => s.version);
  const confirmed = useRoll((s) => s.confirmed);
  // The rows are mutable: their version stands for them.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
  return useMemo(() => roll.byBranch(), [roll, version, confirmed]);
}

export function useRows(branch: string | null, filter: RollFilter, query: string): RollRow[] {
  const { roll } = useRollSession();
  const version = useRoll((s) => s.version);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- as above
  return useMemo(() => roll.list(branch, filter, query), [roll, version, branch, filter, query]);
}
