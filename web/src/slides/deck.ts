import type { PDFDocumentLoadingTask, PDFDocumentProxy } from 'pdfjs-dist';
// A file of its own under our own origin: the page's policy lets no script come from elsewhere, and none be made.
import workerUrl from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url';

export const MAX_FILE = 100 << 20;
export const MAX_PAGES = 1_000;
/** Pages that stay drawn: those around the one that is shown. */
const KEPT = 6;
/** Pixels of one picture inside a page; a larger one is left out. */
const MAX_IMAGE = 64_000_000;

export class DeckRefused extends Error {
  constructor(readonly code: 'pdf_too_large' | 'pdf_bad' | 'pdf_locked') {
    super(code);
  }
}

/** A document of pages, drawn in this page. Nothing of it runs: no script, no form, nothing is fetched. */
export class Deck {
  private readonly drawn = new Map<number, Promise<HTMLCanvasElement>>();

  private constructor(
    private readonly document: PDFDocumentProxy,
    private readonly task: PDFDocumentLoadingTask,
    readonly title: string,
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** Raises DeckRefused. */
  static async open(file: File, width: number, height: number): Promise<Deck> {
    if (file.size > MAX_FILE) throw new DeckRefused('pdf_too_large');
    const pdf = await import('pdfjs-dist/legacy/build/pdf.mjs');
    pdf.GlobalWorkerOptions.workerSrc = workerUrl;
    const task = pdf.getDocument({
      data: await file.arrayBuffer(),
      isEvalSupported: false,
      useWasm: false,
      useWorkerFetch: false,
      enableXfa: false,
      maxImageSize: MAX_IMAGE,
      verbosity: pdf.VerbosityLevel.ERRORS,
    });
    try {
      const document = await task.promise;
      if (document.numPages > MAX_PAGES) throw new DeckRefused('pdf_too_large');
      return new Deck(document, task, file.name.replace(/\.pdf$/i, '').slice(0, 200), width, height);
    } catch (error) {
      void task.destroy();
      if (error instanceof DeckRefused) throw error;
      const locked = error instanceof Error && error.name === 'PasswordException';
      throw new DeckRefused(locked ? 'pdf_locked' : 'pdf_bad');
    }
  }

  get pages(): number {
    return this.document.numPages;
  }

  /** Page `n` (from 1) as large as it goes into the size of the deck, on its own ground. */
  page(n: number): Promise<HTMLCanvasElement> {
    const known = this.drawn.get(n);
    if (known !== undefined) return known;
    const made = this.draw(n, this.width, this.height);
    this.drawn.set(n, made);
    made.catch(() => this.drawn.delete(n));
    for (const far of [...this.drawn.keys()].sort((a, b) => Math.abs(b - n) - Math.abs(a - n)))
      if (this.drawn.size > KEPT) this.drawn.delete(far);
    return made;
  }

  /** The same, small. */
  thumbnail(n: number): Promise<HTMLCanvasElement> {
    return this.draw(n, 160, 90);
  }

  close(): void {
    this.drawn.clear();
    void this.task.destroy();
  }

  private async draw(n: number, width: number, height: number): Promise<HTMLCanvasElement> {
    const page = await this.document.getPage(n);
    const natural = page.getViewport({ scale: 1 });
    const scale = Math.min(width / natural.width, height / natural.height);
    const viewport = page.getViewport({ scale });
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(viewport.width));
    canvas.height = Math.max(1, Math.round(viewport.height));
    await page.render({ canvas, viewport, background: '#ffffff' }).promise;
    return canvas;
  }
}
