// What a session is asked to be: onnxruntime's options and our own, checked by name.
//
// What a reader would get wrong: an option that has no effect here is taken all the same where results do not depend
// on it. One that would change them, or that somebody would wait for in vain, is refused.

import type { Settings } from "../engine/engine";
import { EdgewiseError } from "../errors";
import type { ModelInput, Opening } from "../load/model";
import type { Progress as Coming } from "../load/progress";
import { gpuAccess, warn } from "./env";

export type DataLocation = "none" | "cpu" | "cpu-pinned" | "texture" | "gpu-buffer" | "ml-tensor";
export type ExternalData = string | { path: string; data: ModelInput };
export type ExecutionProvider = string | { readonly name: string; readonly [option: string]: unknown };

/** How far a stage of loading has come: bytes, or pipelines, of all that there are where that is known. */
export interface Progress {
  readonly stage: Coming["stage"] | "weights" | "pipelines";
  readonly loaded: number;
  readonly total: number | undefined;
}

export interface SessionOptions {
  executionProviders?: readonly ExecutionProvider[];
  intraOpNumThreads?: number;
  interOpNumThreads?: number;
  freeDimensionOverrides?: Readonly<Record<string, number>>;
  graphOptimizationLevel?: "disabled" | "basic" | "extended" | "layout" | "all";
  enableCpuMemArena?: boolean;
  enableMemPattern?: boolean;
  executionMode?: "sequential" | "parallel";
  optimizedModelFilePath?: string;
  enableProfiling?: boolean;
  profileFilePrefix?: string;
  logId?: string;
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  logVerbosityLevel?: number;
  preferredOutputLocation?: DataLocation | Readonly<Record<string, DataLocation>>;
  enableGraphCapture?: boolean;
  externalData?: readonly ExternalData[];
  extra?: Record<string, unknown>;

  // Beyond onnxruntime.
  /** Ends loading. */
  signal?: AbortSignal;
  /** Told how far loading has come. */
  progress?: (progress: Progress) => void;
  /** What `fetch` is called with: headers, credentials, mode. */
  fetch?: RequestInit;
  /** How often to go on after a broken connection before another megabyte has come; 4 if left out. */
  retries?: number;
  /** Milliseconds without a byte after which loading fails; as long as it takes if left out. */
  timeout?: number;
  /** The SHA-256 that the model must have: `sha256-` and base64, or hexadecimal digits. */
  integrity?: string;
  /** Whether what is downloaded is kept for the next time, and where; not if left out. */
  cache?: NonNullable<Opening["cache"]>;
  /** Asks the server whether what is kept is still the latest version. */
  revalidate?: boolean;
  /** Whether the session lives in a worker; `env.wasm.proxy` if left out. */
  worker?: boolean;
  /** Bytes that a run may take. */
  memoryLimit?: number;
  /** After so many milliseconds of computing on the CPU the page gets its turn; 0 is never. */
  breathe?: number;
}

const OPTIMIZATION = ["disabled", "basic", "extended", "layout", "all"];
const MODES = ["sequential", "parallel"];
const CPU = ["wasm", "cpu"];
const GPU = ["webgpu"];
/** What else onnxruntime has providers of this name for. */
const OTHERS = ["webgl", "webnn", "xnnpack", "cuda", "dml", "coreml", "nnapi", "tensorrt", "qnn"];

const refuse = (code: "invalid-input" | "unsupported", message: string): never => {
  throw new EdgewiseError(code, message);
};

/** The options as an engine wants them; an error names the option. */
export const settled = (options: SessionOptions): Settings => {
  const { graphOptimizationLevel = "all", executionProviders: providers } = options;
  named("graphOptimizationLevel", graphOptimizationLevel, OPTIMIZATION);
  named("executionMode", options.executionMode ?? "sequential", MODES);
  if (options.optimizedModelFilePath !== undefined) {
    refuse("unsupported", "optimizedModelFilePath: a page has no file to write a model to; leave it out");
  }
  return {
    device: placed(providers?.length ? providers : CPU),
    threads: count("intraOpNumThreads", options.intraOpNumThreads),
    optimize: graphOptimizationLevel !== "disabled",
    freeDimensions: dimensions(options.freeDimensionOverrides),
    memoryLimit: count("memoryLimit", options.memoryLimit),
    breathe: count("breathe", options.breathe),
    onDevice: kept(options.preferredOutputLocation),
    open: opening(options),
    external: (options.externalData ?? []).map(external),
  };
};

const named = (option: string, value: string, known: readonly string[]): void => {
  if (!known.includes(value)) refuse("invalid-input", `${option} is '${value}', none of ${known.join(", ")}`);
};

const opening = ({ retries, timeout, ...rest }: SessionOptions): Settings["open"] => ({
  fetch: rest.fetch,
  integrity: rest.integrity,
  cache: rest.cache,
  revalidate: rest.revalidate,
  retries: natural("retries", retries),
  timeout: count("timeout", timeout),
});

/** Where the first provider that there is runs things. */
const placed = (providers: readonly ExecutionProvider[]): Settings["device"] => {
  const all = providers.map((provider) => (typeof provider === "string" ? { name: provider } : provider));
  const known = all.filter(({ name }) => {
    if (CPU.includes(name) || GPU.includes(name)) return true;
    if (!OTHERS.includes(name)) refuse("invalid-input", `there is no execution provider '${name}'`);
    return false;
  });
  const [first] = known;
  if (first === undefined) {
    const names = all.map(({ name }) => name).join(", ");
    return refuse(
      "unsupported",
      `none of the execution providers ${names} is here; there are webgpu and wasm`,
    );
  }
  all
    .filter((one) => !known.includes(one))
    .forEach(({ name }) => warn(`there is no execution provider ${name}`));
  if (CPU.includes(first.name)) return "cpu";
  const { device, forceCpuNodeNames } = first as { device?: GPUDevice; forceCpuNodeNames?: string[] };
  if (forceCpuNodeNames?.length) refuse("unsupported", "forceCpuNodeNames: nodes cannot be placed by name");
  if (device) gpuAccess.own = device;
  return known.some(({ name }) => CPU.includes(name)) ? "prefer-gpu" : "gpu";
};

const natural = (name: string, n: number | undefined): number | undefined => {
  if (n !== undefined && (!Number.isSafeInteger(n) || n < 0)) {
    refuse("invalid-input", `${name} is ${n}, which is no count`);
  }
  return n;
};

/** As onnxruntime has it, 0 leaves the choice to the engine. */
const count = (name: string, n: number | undefined): number | undefined => natural(name, n) || undefined;

const dimensions = (given: SessionOptions["freeDimensionOverrides"]): Record<string, number> => {
  for (const [name, size] of Object.entries(given ?? {})) {
    if (!Number.isSafeInteger(size) || size < 0) {
      refuse("invalid-input", `freeDimensionOverrides: '${name}' is ${size}, which is no size`);
    }
  }
  return { ...given };
};

const kept = (given: SessionOptions["preferredOutputLocation"]): Settings["onDevice"] => {
  const stays = (location: DataLocation): boolean => {
    if (location === "gpu-buffer") return true;
    if (location === "cpu" || location === "cpu-pinned") return false;
    return refuse("unsupported", `preferredOutputLocation: outputs cannot be left in '${location}'`);
  };
  if (given === undefined || typeof given === "string") return stays(given ?? "cpu");
  return Object.entries(given).flatMap(([name, location]) => (stays(location) ? [name] : []));
};

const external = (given: ExternalData): { path: string; data: ModelInput } => {
  if (typeof given !== "string") return given;
  // The model calls it by the last part of its address.
  const path = given.split(/[?#]/, 1)[0]?.split("/").pop() ?? given;
  return { path, data: given };
};
