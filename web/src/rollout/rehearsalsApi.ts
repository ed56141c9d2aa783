import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { http, tab } from '../http';
import type { components } from '../protocol/openapi';
import { Wire } from '../protocol/socket';
import { browserWorld, wireUrl } from '../protocol/world';

type Schemas = components['schemas'];
export type RehearsalShown = Schemas['RehearsalShown'];
export type RehearsalBoardAnswer = Schemas['RehearsalBoard'];
export type RehearsalUnit = Schemas['RehearsalUnit'];
export type RehearsalSeat = Schemas['RehearsalSeat'];
export type RehearsalAt = RehearsalSeat['at'];
export interface SeatQuery {
  unit?: string | undefined;
  at?: RehearsalAt | undefined;
  faulty?: 'true' | undefined;
  q?: string | undefined;
}
/** As the server takes it; what has a default may be left out. */
export type Scope = Partial<Schemas['RehearsalScope']>;

const at = (id: string, what = '') => `/rehearsals/${encodeURIComponent(id)}${what}`;
const query = (given: object): string => {
  const known = Object.entries(given).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(known.map(([key, value]) => [key, String(value)])).toString();
};

/** Rehearsals, as docs/protocol.md says. All raise Failure. */
export const rehearsals = {
  list: async (signal?: AbortSignal): Promise<RehearsalShown[]> =>
    (await http.json<Schemas['RehearsalList']>('GET', '/rehearsals', undefined, signal)).rehearsals,
  preview: (scope: Scope, signal?: AbortSignal) =>
    http.json<Schemas['RehearsalPreview']>('POST', '/rehearsals/preview', scope, signal),
  create: (wanted: object) => http.json<RehearsalShown>('POST', '/rehearsals', wanted),
  board: (id: string, unit: string | null, signal?: AbortSignal) =>
    http.json<RehearsalBoardAnswer>(
      'GET',
      at(id, unit === null ? '' : `?${query({ unit })}`),
      undefined,
      signal,
    ),
  seats: (id: string, wanted: SeatQuery, after: number, signal?: AbortSignal) =>
    http.json<Schemas['RehearsalSeats']>(
      'GET',
      at(id, `/sites?${query({ ...wanted, after, limit: 100 })}`),
      undefined,
      signal,
    ),
  end: (id: string) => http.json<RehearsalShown>('POST', at(id, '/end')),
  file: (id: string, kind: 'xlsx' | 'csv', wanted: SeatQuery) =>
    `/api/v1${at(id, `/sites.${kind}`)}?${query(wanted)}`,
  demand: (policy: Schemas['NewPolicy']) =>
    http.send('PUT', '/readiness/policy', JSON.stringify(policy), 'application/json'),
};

/** What the server says has changed is asked for again, at most so often. */
const BRIEF_MS = 1_000;

/** Follows the rehearsal's meeting while it runs: the board is asked for when something has changed, never otherwise. */
export function useRehearsalNews(meeting: string | null, id: string): boolean {
  const queries = useQueryClient();
  const [wire] = useState(() => new Wire(wireUrl(), 'desk', tab, browserWorld(http)));
  useEffect(() => {
    if (meeting === null) return undefined;
    let waiting: ReturnType<typeof setTimeout> | null = null;
    const ask = () => {
      waiting ??= setTimeout(() => {
        waiting = null;
        void queries.invalidateQueries({ queryKey: ['rehearsal', id] });
      }, BRIEF_MS);
    };
    const stop = wire.subscribe(`meeting:${meeting}`, ['rehearsal'], {
      snap: ask,
      ev: ask,
      eph: (message) => {
        if (message.topic === 'rehearsal') ask();
      },
      refused: () => undefined,
    });
    wire.start();
    return () => {
      stop();
      wire.stop();
      if (waiting !== null) clearTimeout(waiting);
    };
  }, [meeting, id, wire, queries]);
  return useStore(wire.state, (s) => s.link === 'open');
}
