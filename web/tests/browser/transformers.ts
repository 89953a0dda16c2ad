// transformers.js on Edgewise, got there in three ways, against a copy of it that runs on onnxruntime-web.
//
// What a reader would get wrong: the copy has to be imported first. What `install` leaves is found by all that come later.

import type { DataType, PipelineType } from "@huggingface/transformers";
import { equal, ok } from "./harness/assert";

type Transformers = typeof import("@huggingface/transformers");
type Test = () => Promise<void>;
type Device = "wasm" | "webgpu";
type Options = Record<string, unknown>;

/** Models come from the server of the tests. */
const here = (library: Transformers): Transformers => {
  Object.assign(library.env, { allowRemoteModels: false, allowLocalModels: true, useBrowserCache: false });
  library.env.localModelPath = "/models/";
  return library;
};

const theirRuntime = (library: Transformers): Transformers => {
  Object.assign(library.env.backends.onnx.wasm ?? {}, {
    wasmPaths: "/npm/onnxruntime-web/dist/",
    numThreads: 1,
  });
  return here(library);
};

const COPY = "/reference/@huggingface/transformers/dist/transformers.web.js";
const reference = theirRuntime(
  (await import(/* @vite-ignore */ `${location.origin}${COPY}`)) as Transformers,
);

/** The library, and what options say on which device it runs. */
interface Way {
  library: () => Promise<Transformers>;
  on: (device: Device, dtype: string) => Options;
}

const WAYS: Record<string, Way> = {
  alias: {
    library: async () => {
      const library = here(await import("@huggingface/transformers"));
      // As programs do that have files of onnxruntime-web at hand: the library then fetches them all, and gives the bytes.
      const file = "/npm/onnxruntime-web/dist/ort-wasm-simd-threaded";
      const wasmPaths = { mjs: `${file}.mjs`, wasm: `${file}.wasm` };
      Object.assign(library.env.backends.onnx.wasm ?? {}, { wasmPaths });
      return library;
    },
    // By itself the library refuses halves for GPUs that have none in their shaders.
    on: (device, dtype) =>
      dtype === "fp16" ? { session_options: { executionProviders: [device] } } : { device },
  },
  install: {
    library: async () => {
      (await import("edgewise/backend")).install();
      return here(await import("@huggingface/transformers"));
    },
    on: (device) => ({ device: "auto", session_options: { executionProviders: [device] } }),
  },
  register: {
    library: async () => {
      const { registerBackend } = await import("onnxruntime-web/webgpu");
      const { backend } = await import("edgewise/backend");
      registerBackend("edgewise", backend as never, -1);
      return theirRuntime(await import("@huggingface/transformers"));
    },
    on: (device) => ({
      session_options: { executionProviders: [{ name: "edgewise", executionProviders: [device] }] },
    }),
  },
};

const way = WAYS[new URLSearchParams(location.search).get("way") ?? ""];
ok(way, "the address says no way");
const library = await way.library();

type Pipeline = ((...given: unknown[]) => Promise<unknown>) & { dispose(): Promise<void> };

const TASKS: Record<string, (pipeline: Pipeline) => Promise<unknown>> = {
  "feature-extraction": (extract) =>
    extract(["this is an example of it.", "london"], { pooling: "mean", normalize: true }),
  "text-classification": (classify) =>
    classify(["this is good!", "bad, and worse than bad"], { top_k: null }),
  "token-classification": (classify) => classify("this is about paris and london", { ignore_labels: [] }),
  "fill-mask": (fill) => fill("paris is the [MASK] of the example"),
  "zero-shot-classification": (classify) => classify("this is about london", ["good", "bad", "in paris"]),
};

const answer = async (from: Transformers, task: string, options: Options): Promise<unknown> => {
  const pipeline = (await from.pipeline(task as PipelineType, task, options)) as unknown as Pipeline;
  const given = await TASKS[task]?.(pipeline);
  await pipeline.dispose();
  return given;
};

/** What two answers are made of must be the same, and numbers close. */
const alike = (actual: unknown, expected: unknown, tolerance: number, where: string): void => {
  if (typeof expected === "number") {
    ok(Math.abs((actual as number) - expected) <= tolerance, `${where}: expected ${expected}, got ${actual}`);
  } else if (typeof expected === "object" && expected !== null) {
    const [ours, theirs] = [actual as Options, expected as Options];
    equal(Object.keys(ours), Object.keys(theirs), where);
    for (const key of Object.keys(theirs)) alike(ours[key], theirs[key], tolerance, `${where}.${key}`);
  } else {
    equal(actual, expected, where);
  }
};

/** Tensors as plain values. */
const plain = (value: unknown): unknown => {
  const tensor = value as { ort_tensor?: unknown; type: unknown; dims: unknown; data: Float32Array };
  if (!tensor.ort_tensor) return value;
  return { type: tensor.type, dims: tensor.dims, data: [...tensor.data] };
};

// Halves are rounded after every operator here, and on their way to a processor only in onnxruntime-web.
const TOLERANCES: Partial<Record<DataType, number>> = { fp32: 1e-4, q8: 1e-4, q4: 1e-4, fp16: 5e-3 };
const DEVICES: readonly Device[] = ["wasm", "webgpu"];

const kept = new Map<string, Promise<unknown>>();
const expected = (task: string, dtype: string): Promise<unknown> => {
  const key = `${task} ${dtype}`;
  const made = kept.get(key) ?? answer(reference, task, { device: "wasm", dtype });
  kept.set(key, made);
  return made;
};

const same = Object.entries(TOLERANCES).flatMap(([dtype, tolerance]) =>
  DEVICES.flatMap((device) =>
    Object.keys(TASKS).map((task): [string, Test] => [
      `${task} in ${dtype} with ${device} says what it says on onnxruntime-web`,
      async () => {
        const actual = await answer(library, task, { dtype, ...way.on(device, dtype) });
        alike(plain(actual), plain(await expected(task, dtype)), tolerance, task);
      },
    ]),
  ),
);

/** The session of a pipeline that is not told on which device to be. */
const sessionOf = async (options: Options): Promise<{ device?: string; config: unknown }> => {
  const pipeline = await library.pipeline("fill-mask", "fill-mask", options);
  const [session] = Object.values(pipeline.model.sessions);
  await pipeline.dispose();
  return session;
};

const others: Record<string, Test> = {
  "sessions are Edgewise's, and what the library notes on them stays": async () => {
    const names = performance.getEntriesByType("resource").map(({ name }) => name);
    ok(
      names.some((name) => /\/package\/dist\/edgewise-[a-z-]+\.wasm$/.test(name)),
      "the module was never fetched",
    );
    const [cpu, gpu] = await Promise.all(DEVICES.map((device) => sessionOf(way.on(device, "q8"))));
    ok(cpu?.config && gpu?.config, "there is no config");
    // A session of onnxruntime's front end does not tell.
    if (way !== WAYS.register) equal([cpu.device, gpu.device], ["cpu", "gpu"], "devices");
  },

  "a device that is left to the library is there": async () => {
    const options = { alias: {}, install: { device: "auto" }, register: way.on("wasm", "q8") };
    for (const [name, each] of Object.entries(options)) {
      if (way === WAYS[name]) ok((await sessionOf(each)).config, "there is no session");
    }
  },

  "nothing is asked of another host": async () => {
    const asked = performance.getEntriesByType("resource").map(({ name }) => name);
    equal(
      asked.filter((name) => !name.startsWith(location.origin) && !name.startsWith("blob:")),
      [],
      "addresses",
    );
  },
};

export const tests: Record<string, Test> = { ...Object.fromEntries(same), ...others };
