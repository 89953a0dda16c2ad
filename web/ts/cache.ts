// `import … from "edgewise/cache"`: what is kept of models, and how to let it go.

export { cacheClear, cacheDelete, cacheList, cacheSize, estimate, persist } from "./load/cache/manage";
