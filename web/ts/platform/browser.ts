// Where the parts of the package are for a page: each address is written so that bundlers see it and bring the file.

import type { Build } from "../module/builds";
import type { Source } from "../load/model";
import type { ModuleSource } from "../module/fetch";

const URLS: Record<Build, () => URL> = {
  "relaxed-threads": () => new URL("./edgewise-relaxed-threads.wasm", import.meta.url),
  "simd-threads": () => new URL("./edgewise-simd-threads.wasm", import.meta.url),
  relaxed: () => new URL("./edgewise-relaxed.wasm", import.meta.url),
  simd: () => new URL("./edgewise-simd.wasm", import.meta.url),
};

export const addresses = {
  /** The one build that there is, where there is only one. */
  only: undefined as "cpu" | undefined,
  of: async (build: Build | "cpu"): Promise<ModuleSource> => URLS[build as Build](),
};

/** Files are read by their addresses alone. */
export const readFile: ((path: string | URL) => Promise<Source>) | undefined = undefined;
