// The cache's script, which a page downloads when the first session wants it.

import { EdgewiseError } from "../../errors";
import type { cached } from "./cached";

export const caching = {
  load: async (): Promise<typeof cached> => {
    try {
      return (await import("./cached")).cached;
    } catch (cause) {
      const why =
        "the script of the cache cannot be loaded; in service workers, import 'edgewise/cache' first";
      throw new EdgewiseError("io", `${why} (${String(cause)})`, { cause });
    }
  },
};
