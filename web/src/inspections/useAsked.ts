import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { readAsked, writeAsked, type Asked } from '../models/asked';
import type { Ask } from './FilterBar';

/** What the address asks for, and how to ask for something else. */
export function useAsked(): [Asked, Ask] {
  const [params, setParams] = useSearchParams();
  const asked = useMemo(() => readAsked(params), [params]);
  const ask = useCallback<Ask>(
    (change) =>
      setParams((before) => writeAsked(before, { ...readAsked(before), ...change }), {
        // A word that is being typed is no step to go back to.
        replace: change.text !== undefined && Object.keys(change).length === 1,
      }),
    [setParams],
  );
  return [asked, ask];
}
