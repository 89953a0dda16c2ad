// Models in the browser's Cache API. It keeps a file whole or not at all, and finds it by an address: that of the model,
// with the hash as a parameter where there is one.
import { lengthOf, versionOf } from "../response";
import { ofBlob } from "../local";
import { ofStream } from "../pieces";
import type { About, Entry, Key, Sink, Store, Stored } from "./store";

const HASH = "edgewise-sha256";
const SAVED = "X-Edgewise-Saved";

/** The cache of that name; throws where the browser gives none. */
export const openWeb = async (name: string): Promise<Store> => {
  const cache = await caches.open(name);
  const get = async (key: Key): Promise<Stored | undefined> => {
    const response = await cache.match(address(key));
    const body = response?.body;
    if (!response || !body) return undefined;
    const entry = entryOf(key, response);
    const { length } = entry;
    if (length !== undefined) {
      return { ...entry, open: (kept) => ({ length, pieces: ofStream(body, key.url, kept) }) };
    }
    // A blob of what lies on the disk, which knows how large it is.
    const blob = await response.blob();
    return { ...entry, length: blob.size, open: (kept) => ofBlob(blob, kept, key.url) };
  };
  const list = async (): Promise<Entry[]> => {
    const entry = async (request: Request): Promise<Entry[]> => {
      const response = await cache.match(request);
      return response ? [entryOf(keyOf(request.url), response)] : [];
    };
    return (await Promise.all((await cache.keys()).map(entry))).flat();
  };
  return {
    kind: "cache-api",
    name,
    get,
    put: async (about) => sink(cache, about),
    delete: (key) => cache.delete(address(key)),
    list,
    clear: async () => void (await caches.delete(name)),
  };
};

const sink = (cache: Cache, about: About): Sink => {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  const stored = cache.put(address(about), new Response(readable, { headers: headers(about) }));
  // A cache that has failed takes nothing more: whoever writes must not wait for it.
  const failed = new Promise<never>((_, reject) => stored.catch(reject));
  failed.catch(() => {});
  const unless = (promise: Promise<void>): Promise<void> => {
    // A stream that the cache lets go of does not say why; the cache does.
    const told = promise.catch(async (error: unknown) => {
      await stored;
      throw error;
    });
    told.catch(() => {});
    return Promise.race([told, failed]);
  };
  return {
    // The browser reads it when it likes to.
    write: (piece) => unless(writer.write(new Uint8Array(piece))),
    close: async () => {
      await unless(writer.close());
      await stored;
    },
    abandon: async (keep) => {
      await writer.abort().catch(() => {});
      await stored.catch(() => {});
      if (!keep) await cache.delete(address(about));
    },
  };
};

const headers = ({ size, certain, version: { etag, modified } }: About): Record<string, string> => ({
  "Content-Type": "application/octet-stream",
  [SAVED]: new Date().toISOString(),
  ...(certain && size !== undefined && { "Content-Length": String(size) }),
  ...(etag !== undefined && { ETag: etag }),
  ...(modified !== undefined && { "Last-Modified": modified }),
});

const entryOf = (key: Key, response: Response): Entry => {
  const length = lengthOf(response);
  const saved = new Date(response.headers.get(SAVED) ?? response.headers.get("Date") ?? 0);
  return {
    ...key,
    kind: "cache-api",
    length,
    size: length,
    certain: true,
    version: versionOf(response),
    whole: true,
    saved,
  };
};

const address = ({ url, hash }: Key): string => {
  if (hash === undefined) return url;
  return `${url}${url.includes("?") ? "&" : "?"}${HASH}=${hash}`;
};

const keyOf = (address: string): Key => {
  const [, url, hash] = new RegExp(`^(.*)[?&]${HASH}=([0-9a-f]{64})$`).exec(address) ?? [];
  return url === undefined ? { url: address } : { url, hash };
};
