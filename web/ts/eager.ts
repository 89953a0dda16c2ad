// `import "edgewise/eager"`: what a page would download when it first needs it is here now. For service workers, which
// can import nothing later.

import * as cache from "./load/cache/cached";
import * as integrity from "./load/integrity";
import { late } from "./late";
import * as image from "./tensor/image/from";
import * as gpuImage from "./tensor/image/gpu";

Object.assign(late, {
  cache: async () => cache,
  integrity: async () => integrity,
  image: async () => image,
  gpuImage: async () => gpuImage,
});
