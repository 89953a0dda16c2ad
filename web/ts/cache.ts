// `import … from "edgewise/cache"`: what is kept of models, and how to let it go.
//
// What a reader would get wrong: sessions that cache bring this by themselves, when they need it. Service workers cannot
// import anything later, so there it has to be imported first.

import * as cache from "./load/cache/cached";
import * as integrity from "./load/integrity";
import { late } from "./load/late";

late.cache = async () => cache;
late.integrity = async () => integrity;

export { cacheClear, cacheDelete, cacheList, cacheSize, estimate, persist } from "./load/cache/manage";
