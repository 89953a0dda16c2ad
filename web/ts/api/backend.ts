// Edgewise as a backend of onnxruntime-common: sessions made by an `InferenceSession` that is not ours.
//
// What a reader would get wrong: tensors that come here are the front end's, not ours. Those that go back are ours, and
// the front end makes its own of them, but cannot of those on the GPU: these are made here, by the class of its inputs.

import { EdgewiseError } from "../errors";
import type { ModelInput } from "../load/model";
import { isLike } from "../tensor/make";
import { Tensor } from "../tensor/tensor";
import type { OnnxValue } from "../tensor/values";
import type { RunOptions } from "./arguments";
import type { ExecutionProvider, SessionOptions } from "./options";
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
    options: RunOptions = {},
  ): Promise<Values> => {
    const results = Object.entries(await session.run<OnnxValue>(feeds, fetches, options));
    const front = Object.values(feeds).find(isLike)?.constructor as Partial<typeof Tensor> | undefined;
    const theirs = results.map(async ([name, value]) => [name, await handed(name, value, front)] as const);
    return Object.fromEntries(await Promise.all(theirs));
  },
  startProfiling: () => session.startProfiling(),
  // The front end gives nothing back.
  endProfiling: () => session.endProfiling().forEach((trace) => console.log(trace)),
  dispose: () => session.release(),
});

/** A result as the front end can have it. */
const handed = async (
  name: string,
  value: OnnxValue,
  front: Partial<typeof Tensor> | undefined,
): Promise<OnnxValue> => {
  if (!isLike(value)) {
    throw new EdgewiseError(
      "unsupported",
      `output '${name}' is no tensor, which onnxruntime's front end cannot give; use Edgewise's InferenceSession`,
    );
  }
  // What is not ours is what the caller gave to be filled.
  if (!(value instanceof Tensor) || value.location !== "gpu-buffer") return value;
  const { type: dataType, dims, gpuBuffer } = value;
  const owned = { dataType, dims, download: () => value.getData(), dispose: () => value.dispose() };
  try {
    if (front?.fromGpuBuffer) return front.fromGpuBuffer(gpuBuffer, owned as never);
  } catch {
    // It has no tensors of this type on a GPU.
  }
  await value.getData(true);
  return value;
};

/** What our sessions are to run on, of providers that are named as the front end has it. */
const providers = (named: readonly ExecutionProvider[]): readonly ExecutionProvider[] => {
  const ours = named.flatMap((one) => {
    const { name, executionProviders } = typeof one === "string" ? { name: one } : one;
    if (Array.isArray(executionProviders)) return executionProviders as ExecutionProvider[];
    return name === "webgpu" || name === "wasm" || name === "cpu" ? [one] : [];
  });
  return ours.length > 0 ? ours : ["webgpu", "wasm"];
};

/**
 * Runs on the GPU where there is one, unless it is registered under the name of a provider, or told otherwise:
 * `executionProviders: [{ name: "edgewise", executionProviders: ["wasm"] }]`.
 */
export const backend = {
  init: async (_name: string): Promise<void> => {},
  createInferenceSessionHandler: async (
    model: string | Uint8Array,
    { executionProviders = [], ...rest }: SessionOptions & { readonly [name: string]: unknown } = {},
  ) => {
    const options = { ...rest, executionProviders: providers(executionProviders) };
    return handler(await InferenceSession.create(model as ModelInput, options));
  },
};
