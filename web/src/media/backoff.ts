/** Milliseconds before try `n` of a media connection (0 is the first): 1, 2, 4, 6, 6 ... s, times 0.5 to 1.5. */
export function retryMs(n: number, random = Math.random()): number {
  return Math.min(6_000, 1_000 * 2 ** Math.min(n, 3)) * (0.5 + random);
}
