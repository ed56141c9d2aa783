import type { Held, KeyStore } from './device';

const NAME = 'diemcau';
const STORE = 'device';
const KEY = 'this';

/** Keys in IndexedDB: it holds them as the browser made them, without their private half ever becoming bytes. */
export class BrowserKeys implements KeyStore {
  load(): Promise<Held | null> {
    return run<Held | undefined>('readonly', (store) => store.get(KEY) as IDBRequest<Held | undefined>).then(
      (held) => held ?? null,
    );
  }

  async save(held: Held): Promise<void> {
    await run('readwrite', (store) => store.put(held, KEY));
    // Asked, not needed: without it a browser short of space may forget this site.
    void storage()
      ?.persist()
      .catch(() => false);
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('refused'));
    request.onblocked = () => reject(new Error('blocked'));
  });
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await opened();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: 'strict' });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result as T);
      transaction.onerror = () => reject(transaction.error ?? new Error('refused'));
      transaction.onabort = () => reject(transaction.error ?? new Error('refused'));
    });
  } finally {
    database.close();
  }
}

/**
 * Whether this looks like a private window, which forgets its key when it is closed: there a browser gives a page
 * little more room than memory. A guess, so the clerk may go on all the same.
 */
export async function forgets(): Promise<boolean> {
  const { quota } =
    (await storage()
      ?.estimate()
      .catch(() => null)) ?? {};
  const heap = (performance as { memory?: { jsHeapSizeLimit: number } }).memory?.jsHeapSizeLimit;
  return quota !== undefined && heap !== undefined && quota < heap * 2;
}

/** Without TLS there is none, whatever the types say. */
function storage(): StorageManager | undefined {
  return (navigator as { storage?: StorageManager }).storage;
}
