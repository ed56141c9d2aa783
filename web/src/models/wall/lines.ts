import type { Slots } from '../../protocol/types';

/** Live pictures a wall may have beside the stage's own. */
export const LIVE_LINES = 25;

/** Why a tile is to be live, most important first. */
export type Why = 'pin' | 'patrol' | 'hover';

/**
 * Gives each site that is to be live a line of its own and keeps it there: a picture that moved to another line would go
 * black for a moment. Who has no line left is named in `refused`, least important first.
 */
export class LiveLines {
  private lines: Slots;

  constructor(readonly count: number = LIVE_LINES) {
    this.lines = Array.from({ length: count }, () => null);
  }

  /** `wanted`: in order of importance; a site may be there more than once. */
  assign(wanted: readonly string[]): { lines: Slots; refused: string[] } {
    const once = [...new Set(wanted)];
    const taken = new Set(once.slice(0, this.count));
    const lines = this.lines.map((site) => (site !== null && taken.has(site) ? site : null));
    const there = new Set(lines);
    for (const site of taken) {
      if (there.has(site)) continue;
      lines[lines.indexOf(null)] = site;
    }
    this.lines = lines;
    return { lines, refused: once.slice(this.count) };
  }

  lineOf(site: string): number | null {
    const at = this.lines.indexOf(site);
    return at === -1 ? null : at;
  }
}
