/** What a browser calls a screen, a window or a page that has no name for people: "screen:-3:0", "web-contents-media-stream://…". */
const MADE = /^(screen|window|browser|tab|monitor)(:|$)|:\/\/|^[{(]?[0-9a-f-]{16,}[)}]?$/i;

/** What stands in a presentation for a shared screen without a name; shown as words of the reader's language. */
export const UNNAMED = 'screen';

/** The name that a person would know a shared screen by, else `UNNAMED`. */
export function screenTitle(label: string): string {
  const said = label.trim().slice(0, 200);
  return said === '' || MADE.test(said) ? UNNAMED : said;
}
