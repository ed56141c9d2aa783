/** Milliseconds before try `n` of a media connection (0 is the first): 0.5, 1, 2 ... 10 s, times 0.5 to 1.5. */
export function retryMs(n: number, random = Math.random()): number {
  return Math.min(10_000, 500 * 2 ** Math.min(n, 6)) * (0.5 + random);
}
