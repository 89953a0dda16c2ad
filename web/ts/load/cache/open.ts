// Which cache there is. Private windows, old browsers and Node have none, or say so only when they are asked for it.
import { EdgewiseError, typed } from "../../errors";
import { openOpfs } from "./opfs";
import { canWrite } from "./part";
import type { CacheKind, Store } from "./store";
import { openWeb } from "./web";

/** Which cache to keep a model in. `true` is the private file system, or else the Cache API. */
export type CacheChoice = boolean | CacheKind | { kind?: CacheKind | undefined; name?: string | undefined };

export const DEFAULT_NAME = "edgewise";

/** The stores that there are of those that are wanted, the best one first. */
export const openStores = async (choice: CacheChoice): Promise<Store[]> => {
  const { kinds, name } = wanted(choice);
  const opened = await Promise.allSettled(kinds.filter(isHere).map((kind) => OPEN[kind](name)));
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
};

/** The store to keep a model in; throws where there is none. */
export const openStore = async (choice: CacheChoice): Promise<Store> => {
  const { kinds, name } = wanted(choice);
  const failures: string[] = [];
  for (const kind of kinds) {
    try {
      if (isHere(kind)) return await OPEN[kind](name);
      failures.push(`${kind} is not here`);
    } catch (error) {
      failures.push(`${kind}: ${typed(error).message}`);
    }
  }
  throw new EdgewiseError("unsupported", failures.join("; "));
};

const OPEN: Record<CacheKind, (name: string) => Promise<Store>> = { opfs: openOpfs, "cache-api": openWeb };

const isHere = (kind: CacheKind): boolean => {
  if (kind === "cache-api") return globalThis.caches !== undefined;
  return globalThis.navigator?.storage?.getDirectory !== undefined && canWrite();
};

const wanted = (choice: CacheChoice): { kinds: CacheKind[]; name: string } => {
  const { kind, name = DEFAULT_NAME } = typeof choice === "object" ? choice : { kind: choice };
  if (kind === undefined || typeof kind === "boolean") return { kinds: ["opfs", "cache-api"], name };
  if (kind in OPEN) return { kinds: [kind], name };
  const expected = 'expected true, false, "opfs", "cache-api" or { kind, name }';
  throw new EdgewiseError("invalid-input", `cache: there is no "${kind}", ${expected}`);
};
