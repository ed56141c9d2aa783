const MARKS = /\p{M}+/gu;

/** Lower case without diacritics, `đ` as `d`, single spaces: what a search compares. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(MARKS, '')
    .toLowerCase()
    .replaceAll('đ', 'd')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}
