// `import { backend } from "edgewise/backend"`: for `registerBackend` of onnxruntime-common, and for libraries that look
// for a runtime at `Symbol.for("onnxruntime")`, as transformers.js does.

import surface from "./surface";

export { backend } from "./api/backend";

/** Makes this the runtime of libraries that are imported after it. */
export const install = (): void => {
  Object.assign(globalThis, { [Symbol.for("onnxruntime")]: surface });
};
