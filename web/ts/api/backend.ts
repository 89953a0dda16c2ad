// Edgewise as a backend of onnxruntime-common: sessions made by an `InferenceSession` that is not ours.
//
// What a reader would get wrong: tensors that come here are onnxruntime-common's, not ours; those that go back are
// ours, and onnxruntime-common makes its own of them.

import type { ModelInput } from "../load/model";
import type { OnnxValue } from "../tensor/values";
import type { RunOptions } from "./arguments";
import type { SessionOptions } from "./options";
import { InferenceSession } from "./session";

type Values = Record<string, OnnxValue>;

const handler = (session: InferenceSession) => ({
  inputNames: session.inputNames,
  outputNames: session.outputNames,
  inputMetadata: session.inputMetadata,
  outputMetadata: session.outputMetadata,
  run: async (
    feeds: Values,
    fetches: Record<string, OnnxValue | null>,
    options: RunOptions,
  ): Promise<Values> => ({
    ...(await session.run(feeds, Object.keys(fetches), options)),
  }),
  startProfiling: () => session.startProfiling(),
  endProfiling: () => void session.endProfiling(),
  dispose: () => session.release(),
});

/** Runs on the GPU where there is one and the options do not say otherwise. */
export const backend = {
  init: async (_name: string): Promise<void> => {},
  createInferenceSessionHandler: async (
    model: string | Uint8Array,
    options: SessionOptions & { readonly [name: string]: unknown } = {},
  ) => {
    // The providers that are named there are names of backends, of which this is one.
    const { executionProviders = [], ...rest } = options;
    const ours = executionProviders.filter((one) => {
      const name = typeof one === "string" ? one : one.name;
      return name === "webgpu" || name === "wasm" || name === "cpu";
    });
    const providers = ours.length > 0 ? ours : ["webgpu", "wasm"];
    return handler(
      await InferenceSession.create(model as ModelInput, { ...rest, executionProviders: providers }),
    );
  },
};
