// What pages do with the cache besides loading from it: see what is there, make room, ask to keep it.
import { resolve } from "../input";
import { type CacheChoice, openStores } from "./open";
import type { Entry } from "./store";

/** The models that are kept, in both kinds of cache or in the one that is chosen. */
export const cacheList = async (choice: CacheChoice = true): Promise<Entry[]> =>
  (await Promise.all((await openStores(choice)).map((store) => store.list()))).flat();

/** How many bytes they take, as far as that is known. */
export const cacheSize = async (choice: CacheChoice = true): Promise<number> =>
  (await cacheList(choice)).reduce((sum, { length }) => sum + (length ?? 0), 0);

/** Deletes what is kept of an address, with whatever hash; says whether there was anything. */
export const cacheDelete = async (url: string | URL, choice: CacheChoice = true): Promise<boolean> => {
  const address = resolve(url).replace(/#.*/, "");
  const deleted = await Promise.all(
    (await openStores(choice)).map(async (store) => {
      const entries = (await store.list()).filter((entry) => entry.url === address);
      return Promise.all(entries.map((entry) => store.delete(entry)));
    }),
  );
  return deleted.flat().includes(true);
};

/** Deletes everything that is kept. */
export const cacheClear = async (choice: CacheChoice = true): Promise<void> => {
  await Promise.all((await openStores(choice)).map((store) => store.clear()));
};

/** Asks the browser not to make room by deleting what this origin keeps; says whether it promises that. */
export const persist = async (): Promise<boolean> =>
  (await globalThis.navigator?.storage?.persist?.().catch(() => false)) ?? false;

/** How much this origin keeps, and how much it may: bytes, not only of models. Nothing where nobody knows. */
export const estimate = async (): Promise<{ usage: number; quota: number } | undefined> => {
  const told = await globalThis.navigator?.storage?.estimate?.().catch(() => undefined);
  return told && { usage: told.usage ?? 0, quota: told.quota ?? 0 };
};
