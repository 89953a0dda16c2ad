// `import { backend } from "edgewise/backend"`: for `registerBackend` of onnxruntime-common, and for libraries that look
// for a runtime at `Symbol.for("onnxruntime")`, as transformers.js does.

import type { ModelInput } from "./load/model";
import type { SessionOptions } from "./api/options";
import surface, { type InferenceSession as Session } from "./surface";

export { backend } from "./api/backend";

const { InferenceSession } = surface;

// Libraries do not know the providers of a runtime that they find, and name none.
const create = (model: ModelInput, options: SessionOptions = {}): Promise<Session> => {
  const named = options.executionProviders ?? [];
  const executionProviders = named.length > 0 ? named : ["webgpu", "wasm"];
  return InferenceSession.create(model, { ...options, executionProviders });
};

/** Makes this the runtime of libraries that are imported after it: on the GPU where there is one. */
export const install = (): void => {
  Object.assign(globalThis, { [Symbol.for("onnxruntime")]: { ...surface, InferenceSession: { create } } });
};
