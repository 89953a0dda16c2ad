// Scripts that a page downloads when the first session wants them: the cache, and hashes.
//
// What a reader would get wrong: service workers import nothing later. There `edgewise/cache` is imported first, which
// puts both in their place.

import { EdgewiseError } from "../errors";
import type * as cache from "./cache/cached";
import type * as integrity from "./integrity";

export interface Late {
  cache: () => Promise<typeof cache>;
  integrity: () => Promise<typeof integrity>;
}

const missing = (cause: unknown): never => {
  const advice = "in service workers, import 'edgewise/cache' first";
  const message = `a script of the package cannot be loaded (${String(cause)}); ${advice}`;
  throw new EdgewiseError("io", message, { cause });
};

export const late: Late = {
  cache: () => import("./cache/cached").catch(missing),
  integrity: () => import("./integrity").catch(missing),
};
