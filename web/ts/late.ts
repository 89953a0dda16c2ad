// Scripts that a page downloads when it first needs them: the cache, hashes, and images.
//
// What a reader would get wrong: service workers import nothing later. There `edgewise/eager` is imported first, which
// puts all of them in their places.

import { EdgewiseError } from "./errors";
import type * as cache from "./load/cache/cached";
import type * as integrity from "./load/integrity";
import type * as image from "./tensor/image/from";
import type * as gpuImage from "./tensor/image/gpu";

export interface Late {
  cache: () => Promise<typeof cache>;
  integrity: () => Promise<typeof integrity>;
  image: () => Promise<typeof image>;
  gpuImage: () => Promise<typeof gpuImage>;
}

const missing = (cause: unknown): never => {
  const advice = "in service workers, import 'edgewise/eager' first";
  const message = `a script of the package cannot be loaded (${String(cause)}); ${advice}`;
  throw new EdgewiseError("io", message, { cause });
};

export const late: Late = {
  cache: () => import("./load/cache/cached").catch(missing),
  integrity: () => import("./load/integrity").catch(missing),
  image: () => import("./tensor/image/from").catch(missing),
  gpuImage: () => import("./tensor/image/gpu").catch(missing),
};
