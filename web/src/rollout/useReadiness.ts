import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { http } from '../http';
import type { ReadinessAnswer } from '../protocol/types';

/** Between an answer and the next question: a country that activates changes the board all the time. */
const PAUSE_MS = 1_000;

/** A unit's counts, kept fresh: the server answers when they have changed. */
export function useReadiness(unit: string | null, enabled: boolean) {
  const last = useRef<{ unit: string | null; etag: string | null; answer: ReadinessAnswer } | null>(null);
  return useQuery({
    queryKey: ['readiness', unit],
    queryFn: async ({ signal }) => {
      const known = last.current?.unit === unit ? last.current : null;
      const found = await http.readiness(unit, known?.etag ?? null, signal);
      if (found === 'same' && known) return known.answer;
      if (found === 'same') throw new Error('an answer without a question');
      last.current = { unit, ...found };
      return found.answer;
    },
    enabled,
    refetchInterval: PAUSE_MS,
    // Going down and up the tree shows what was there before, at once.
    staleTime: PAUSE_MS,
  });
}
