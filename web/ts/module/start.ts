// Starts the module: once for a page or worker, with what `env.wasm` says when the first session asks for it.

import * as module from "#module";
import { EdgewiseError } from "../errors";
import { settings, type WasmSettings } from "../api/env";
import { addresses } from "#platform";
import { choose, engine, type Build } from "./builds";
import { compile, type ModuleSource } from "./fetch";
import { hire, sharedMemory } from "./threads";

/** The module, started. */
export interface Started {
  module: typeof module;
  build: Build | "cpu";
  /** How many threads a run may use, its caller's among them. */
  threads: number;
  memory: WebAssembly.Memory;
  /** How many have come, when all have come or failed. */
  came: Promise<number>;
}

let started: Promise<Started> | undefined;

/** The module of this page or worker. What fails is tried anew the next time. */
export const start = (): Promise<Started> => {
  if (started) return started;
  const wanted = settings();
  started = within(begin(wanted), wanted.initTimeout).catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
};

/** Which build runs in this page or worker, on how many threads, and the bytes of its memory; what has not started has
 * none. */
export const running = async (): Promise<
  { build: string; isa: string; threads: number; bytes: number } | undefined
> => {
  if (!started) return undefined;
  const { module, build, threads, memory } = await started;
  return { build, isa: module.isa(), threads, bytes: memory.buffer.byteLength };
};

const begin = async (wanted: WasmSettings): Promise<Started> => {
  const { build, threads } = selected(wanted);
  const crew = threads > 1 ? hire(threads - 1) : undefined;
  try {
    const compiled = await compile(await source(build, wanted));
    // Builds without threads have a memory of their own and leave this one alone.
    const memory = crew ? sharedMemory() : new WebAssembly.Memory({ initial: 0 });
    const own = await module.default({ module_or_path: compiled, memory });
    crew?.begin(compiled, memory);
    return { module, build, threads, memory: own.memory, came: crew?.came ?? Promise.resolve(0) };
  } catch (error) {
    crew?.dismiss();
    throw error;
  }
};

const selected = (wanted: WasmSettings): { build: Build | "cpu"; threads: number } => {
  const has = engine();
  const build = addresses.only ?? choose(has, wanted);
  if (build === undefined) {
    throw new EdgewiseError("unsupported", "this browser has no WebAssembly SIMD, which came to all in 2023");
  }
  return { build, threads: build.endsWith("-threads") ? wanted.threads : 1 };
};

const source = async (build: Build | "cpu", { paths, binary }: WasmSettings): Promise<ModuleSource> =>
  binary ?? paths?.(`edgewise-${build}.wasm`) ?? addresses.of(build);

/** Rejects where that takes more milliseconds; 0 means as long as it takes. */
const within = <T>(promise: Promise<T>, milliseconds: number): Promise<T> => {
  if (milliseconds === 0) return promise;
  return new Promise((resolve, reject) => {
    const late = () =>
      new EdgewiseError("deadline-exceeded", `the module did not start in ${milliseconds} ms`);
    const timer = setTimeout(() => reject(late()), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
};
