/** Pictures of a site that are missing before its last one counts as stale. */
const MISSED = 3;
const SOONEST_MS = 60_000;

/** Age, ms, from which a picture no longer says what is before the camera; `pictureS`: seconds between two of a site. */
export const staleAfter = (pictureS: number): number => Math.max(SOONEST_MS, MISSED * pictureS * 1000);
