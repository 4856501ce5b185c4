/** Where what must survive a restart is kept: IndexedDB in a browser, what the app has elsewhere. */

import { MissingExtraError } from "../errors.js";

/** Keeps texts by name. An app on Node gives one of its own, such as files that it writes whole. */
export interface StateStore {
  /** What was saved last under this name; null if nothing was. */
  load(name: string): Promise<string | null>;
  /** Keep the text in place of what was there: all of it or, when that fails, what was there before. */
  save(name: string, text: string): Promise<void>;
}

const TEXTS = "texts";

/**
 * A store in IndexedDB, opened at its first use; several tabs and workers of an origin may have the same.
 *
 * @param database its name. Nothing else should use it.
 * @param factory for tests, and for platforms where IndexedDB is not global.
 */
export function indexedDBStore(database = "fpm-edge", factory: IDBFactory = globalThis.indexedDB): StateStore {
  let opened: Promise<IDBDatabase> | null = null;
  const open = async (): Promise<IDBDatabase> => {
    if (!factory) {
      throw new MissingExtraError("this platform has no IndexedDB; give a StateStore of your own");
    }
    const request = factory.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TEXTS);
    const found = await answer(request);
    // Another tab wants to delete or to upgrade it: let it, and open again when it is needed.
    found.onversionchange = () => {
      found.close();
      opened = null;
    };
    found.onclose = () => {
      opened = null;
    };
    return found;
  };
  const use = async (mode: IDBTransactionMode): Promise<IDBTransaction> => {
    opened ??= open();
    try {
      // On the disk before it is done, for what survives a crash of the page should survive power loss.
      return (await opened).transaction(TEXTS, mode, { durability: "strict" });
    } catch (error) {
      opened = null;
      throw error;
    }
  };
  return {
    async load(name) {
      return (await answer((await use("readonly")).objectStore(TEXTS).get(name))) ?? null;
    },
    async save(name, text) {
      const transaction = await use("readwrite");
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
        transaction.objectStore(TEXTS).put(text, name);
      });
    },
  };
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
