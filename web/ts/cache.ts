// `import … from "edgewise/cache"`: what is kept of models, and how to let it go.
//
// What a reader would get wrong: sessions that cache bring this by themselves, when they need it. Service workers cannot
// import anything later, so there it has to be imported first.

import { cached } from "./load/cache/cached";
import { caching } from "./load/cache/late";

caching.load = async () => cached;

export { cacheClear, cacheDelete, cacheList, cacheSize, estimate, persist } from "./load/cache/manage";
