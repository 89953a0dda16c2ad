// `import { backend } from "edgewise/backend"`: for `registerBackend` of onnxruntime-common, and for libraries that look
// for a runtime at `Symbol.for("onnxruntime")`, as transformers.js does.

import type { ModelInput } from "./load/model";
import type { SessionOptions } from "./api/options";
import surface from "./surface";

export { backend } from "./api/backend";

const create = (model: ModelInput, options: SessionOptions = {}) => {
  // Libraries do not know the providers of a runtime that they find, and name none.
  const executionProviders = options.executionProviders?.length
    ? options.executionProviders
    : ["webgpu", "wasm"];
  return surface.InferenceSession.create(model, { ...options, executionProviders });
};

/** Makes this the runtime of libraries that are imported after it: on the GPU where there is one. */
export const install = (): void => {
  Object.assign(globalThis, { [Symbol.for("onnxruntime")]: { ...surface, InferenceSession: { create } } });
};
