import { createContext, use, useCallback, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import type { Still } from '../media/stills';
import type { LiveMeeting } from '../models/live';
import { pathOf, siteTitle } from '../models/roster';
import type { MeetingState } from '../protocol/types';
import type { ScreenFacets, ScreenSession } from './session';
import { WallSession, type WallFacets } from './wallSession';

export const ScreenContext = createContext<ScreenSession | null>(null);

export function useScreen(): ScreenSession {
  const session = use(ScreenContext);
  if (session === null) throw new Error('a part of a screen stands outside of it');
  return session;
}

export function useWall(): WallSession {
  const session = useScreen();
  if (!(session instanceof WallSession)) throw new Error('a part of the wall stands outside of it');
  return session;
}

export const useFacet = <T>(pick: (s: ScreenFacets) => T): T => useStore(useScreen().facets, pick);
export const useWallState = <T>(pick: (s: WallFacets) => T): T => useStore(useWall().wall, pick);
export const useLive = <T>(pick: (s: LiveMeeting) => T): T => useStore(useScreen().model.store, pick);
export const useMeeting = (): MeetingState | null => useLive((s) => s.state);
/** Rises with every change of the roster. */
export const useRoster = (): number => useStore(useScreen().roster.version, (s) => s.version);

/** What a site is called, and where it is: by the roster, or by the state for who is not in it. */
export function useName(site: string | null): { title: string; path: string } {
  const { roster } = useScreen();
  const known = useLive((s) => (site === null ? undefined : s.state?.sites[site]));
  // The roster is mutable: what is picked of it is compared after each of its versions.
  const title = useStore(roster.version, () => {
    const node = site === null ? undefined : roster.sites.get(site);
    return node === undefined ? null : siteTitle(node);
  });
  const path = useStore(roster.version, () => {
    const node = site === null ? undefined : roster.sites.get(site);
    return node === undefined ? null : pathOf(node);
  });
  return { title: title ?? known?.label ?? site ?? '', path: path ?? known?.path ?? '' };
}

export function useJoined(site: string): boolean {
  const { roster } = useScreen();
  return useStore(roster.version, () => roster.sites.get(site)?.joined ?? false);
}

export function useTilePicture(site: string): Still {
  const { feed } = useWall();
  return useSyncExternalStore(
    useCallback((changed) => feed.watch(site, changed), [feed, site]),
    () => feed.get(site),
  );
}
