// `env`: what holds for the whole page or worker, as onnxruntime-web has it.
//
// What a reader would get wrong: flags are read when they are needed. Those of the module count until it starts,
// which is when the first session is made; a later change is for the next page.

import { EdgewiseError } from "../errors";
import type { ModuleSource } from "../module/fetch";

const LEVELS = ["verbose", "info", "warning", "error", "fatal"] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface WasmFlags {
  /** Threads of a run, its caller's among them; half of the processors, at most 4, if left out. */
  numThreads?: number | undefined;
  /** `"fixed"` leaves relaxed SIMD unused. */
  simd?: boolean | "fixed" | "relaxed" | undefined;
  trace?: boolean | undefined;
  /** Milliseconds within which the module must start; 0 means as long as it takes. */
  initTimeout?: number | undefined;
  /** Where the `.wasm` files are: the address of a folder, or of the very file. */
  wasmPaths?: string | { wasm?: string | URL; mjs?: string | URL } | undefined;
  /** The module's bytes, or itself, compiled. */
  wasmBinary?: ArrayBufferLike | Uint8Array | WebAssembly.Module | undefined;
  /** Whether sessions live in a worker, so that the page goes on meanwhile. */
  proxy?: boolean | undefined;
  /** Makes that worker, where a bundler does not find it. */
  createWorker?: (() => Worker) | undefined;
}

export interface WebGpuFlags {
  powerPreference?: GPUPowerPreference | undefined;
  forceFallbackAdapter?: boolean | undefined;
  /** The adapter that the device is to be of. */
  adapter?: GPUAdapter | undefined;
  /** The page's own device; reading gives the one in use, opened where it is not yet. */
  get device(): Promise<GPUDevice>;
  set device(device: GPUDevice);
  profiling: { mode?: "off" | "default"; ondata?: (data: unknown) => void };
  profilingMode?: "off" | "default" | undefined;
  validateInputContent?: boolean | undefined;
}

export interface Env {
  logLevel?: LogLevel;
  debug?: boolean;
  trace?: boolean;
  /** There is no `web`: by that, libraries find files of onnxruntime-web to download. */
  readonly versions: { readonly common: string; readonly web?: string; readonly edgewise: string };
  readonly wasm: WasmFlags;
  readonly webgl: Record<string, unknown>;
  readonly webgpu: WebGpuFlags;
  [name: string]: unknown;
}

/** What a session needs of the GPU; the engine that runs here puts it in its place. */
export interface GpuAccess {
  own: GPUDevice | undefined;
  open: () => Promise<GPUDevice>;
}

/** The page's device, and how to get at the one in use. */
export const gpuAccess: GpuAccess = {
  own: undefined,
  open: () => Promise.reject(new EdgewiseError("unsupported", "this build has no GPU")),
};

let logLevel: LogLevel = "warning";

export const env: Env = {
  get logLevel(): LogLevel {
    return logLevel;
  },
  set logLevel(level: LogLevel | undefined) {
    if (level === undefined) return;
    if (!LEVELS.includes(level)) {
      throw new EdgewiseError(
        "invalid-input",
        `there is no log level '${level}'; there are ${LEVELS.join(", ")}`,
      );
    }
    logLevel = level;
  },
  // The version of the surface that this follows, and our own.
  versions: { common: "1.30.0", edgewise: "0.1.0" },
  wasm: {},
  webgl: {},
  webgpu: {
    get device(): Promise<GPUDevice> {
      return gpuAccess.own ? Promise.resolve(gpuAccess.own) : gpuAccess.open();
    },
    set device(device: GPUDevice) {
      gpuAccess.own = device;
    },
    profiling: {},
  },
};

/** Tells people something, where they want to hear it. */
export const warn = (text: string): void => {
  if (LEVELS.indexOf(logLevel) <= LEVELS.indexOf("warning")) console.warn(`edgewise: ${text}`);
};

/** What the flags say of how the module starts, checked. */
export interface WasmSettings {
  threads: number;
  relaxed: boolean;
  paths: ((file: string) => URL) | undefined;
  binary: ModuleSource | undefined;
  initTimeout: number;
}

export const settings = (): WasmSettings => {
  const { numThreads, simd, initTimeout = 0, wasmPaths, wasmBinary } = env.wasm;
  if (simd === false) {
    throw new EdgewiseError("unsupported", "env.wasm.simd is false, but every build has SIMD; leave it out");
  }
  const threads = numThreads || Math.min(4, Math.ceil((globalThis.navigator?.hardwareConcurrency ?? 1) / 2));
  natural("env.wasm.numThreads", threads);
  natural("env.wasm.initTimeout", initTimeout);
  const theirs = isTheirs(wasmPaths);
  if (theirs) warn("env.wasm.wasmPaths is of onnxruntime-web's files and left aside; leave it out");
  return {
    threads,
    relaxed: simd !== "fixed",
    paths: theirs ? undefined : paths(wasmPaths),
    // Libraries fetch what the paths name, and give it as this.
    binary: theirs ? undefined : binary(wasmBinary),
    initTimeout,
  };
};

/** Whether a program that was written for onnxruntime-web says where that one's files are. */
const isTheirs = (given: WasmFlags["wasmPaths"]): boolean => {
  const address = typeof given === "object" ? given.wasm : given;
  return /onnxruntime-web|ort-wasm/.test(String(address));
};

const natural = (name: string, n: number): void => {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new EdgewiseError("invalid-input", `${name} is ${n}, no number`);
};

const paths = (given: WasmFlags["wasmPaths"]): WasmSettings["paths"] => {
  const base = globalThis.location?.href;
  if (given === undefined) return undefined;
  if (typeof given === "string") return (file) => new URL(file, new URL(given.replace(/\/?$/, "/"), base));
  const { wasm } = given;
  return wasm === undefined ? undefined : () => new URL(wasm, base);
};

const binary = (given: WasmFlags["wasmBinary"]): ModuleSource | undefined => {
  if (given === undefined || given instanceof WebAssembly.Module) return given;
  return given instanceof Uint8Array ? new Uint8Array(given) : new Uint8Array(given);
};
