// Everything that the package gives, in Node and in browsers alike.

import { env } from "./api/env";
import { InferenceSession } from "./api/session";
import { EdgewiseError, type ErrorCode } from "./errors";
import { Tensor } from "./tensor/tensor";

export { env, type Env, type WasmFlags, type WebGpuFlags } from "./api/env";
export type { Feeds, Fetches, RunOptions } from "./api/arguments";
export type { ValueMetadata } from "./api/metadata";
export type { DataLocation, ExecutionProvider, ExternalData, Progress, SessionOptions } from "./api/options";
export type { Context } from "./api/context";
export type { Results } from "./api/run";
export { InferenceSession } from "./api/session";
export type { Summary } from "./api/summary";
export { EdgewiseError, type ErrorCode };
export type { ModelInput } from "./load/model";
export { running } from "./module/start";
export { Tensor, type TypedTensor } from "./tensor/tensor";
export { toFloat32Array } from "./tensor/numbers";
export type { OnnxValue } from "./tensor/values";

/** onnxruntime's way to add engines of others, which has no place here. */
export const registerBackend = (name: string, _backend: unknown, _priority?: number): never => {
  throw new EdgewiseError(
    "unsupported",
    `registerBackend('${name}'): sessions of this package run on Edgewise alone`,
  );
};

export default { env, InferenceSession, Tensor, registerBackend };
