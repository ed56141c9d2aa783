const hex = (bytes: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('');

/** A command's id: the same id again does nothing twice. */
export const newId = (): string => hex(16);

/** This tab, the same over reloads: coming back is no replacement, a second tab is. */
export function tabId(storage: Storage): string {
  // A duplicated tab copies its session storage, so the name is taken out while the page lives and put back when it goes.
  const kept = storage.getItem('dc.tab');
  const id = kept ?? hex(8);
  storage.removeItem('dc.tab');
  addEventListener('pagehide', () => storage.setItem('dc.tab', id));
  addEventListener('pageshow', () => storage.removeItem('dc.tab'));
  return id;
}
