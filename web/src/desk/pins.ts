import { isSmall } from '../models/stage';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import type { LayerName, LayoutName, Slots } from '../protocol/types';

const AGAIN_MS = 2_000;

/** Keeps the viewer's own lines pointed at what is wanted: one request a line at a time, the latest wish wins. */
export class Pins {
  private viewer: string | null = null;
  private wanted: Slots = [];
  private layout: LayoutName = 'one';
  /** What the server has been told, by line; undefined is not known. */
  private told: (string | null | undefined)[] = [];
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly http: Pick<Http, 'pin'>,
    private readonly firstLine: number,
    private readonly count = 4,
  ) {}

  /** A new viewer has no pins. */
  use(viewer: string | null): void {
    this.viewer = viewer;
    this.told = [];
    void this.settle();
  }

  want(sites: Slots, layout: LayoutName = sites.length === 1 ? 'one' : 'two'): void {
    this.wanted = sites;
    this.layout = layout;
    void this.settle();
  }

  private async settle(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    try {
      for (let next = this.next(); next !== null; next = this.next()) {
        const { viewer, line, site, ceiling } = next;
        await this.http.pin(viewer, this.firstLine + line, site, ceiling).catch((error: unknown) => {
          // What is not his to see stays dark, and holds up no other line.
          if (codeOf(error) !== 'forbidden') throw error;
        });
        if (this.viewer === viewer) this.told[line] = site;
      }
    } catch {
      this.timer = setTimeout(() => void this.settle(), AGAIN_MS);
    } finally {
      this.busy = false;
    }
  }

  private next(): { viewer: string; line: number; site: string | null; ceiling: LayerName } | null {
    if (this.viewer === null) return null;
    for (let line = 0; line < this.count; line++) {
      const site = this.wanted[line] ?? null;
      if ((this.told[line] ?? null) !== site)
        return { viewer: this.viewer, line, site, ceiling: this.ceiling(line) };
    }
    return null;
  }

  /** A slot that fills the picture, or most of it, is worth its large layer. */
  private ceiling(line: number): LayerName {
    const small = this.layout === 'two' || this.layout === 'four' || isSmall(this.layout, line);
    return small ? 'low' : 'high';
  }
}
