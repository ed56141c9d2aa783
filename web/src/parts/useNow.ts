import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let second = Math.floor(Date.now() / 1000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    second = Math.floor(Date.now() / 1000);
    for (const l of listeners) l();
  }, 500);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** The present second in ms; one clock for all that shows time. */
export const useNow = (): number => useNowAs((now) => now);

/** What is made of the present second: who shows it is drawn again when that is other, not every second. */
export function useNowAs<T extends string | number | boolean>(made: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => made(second * 1000));
}
