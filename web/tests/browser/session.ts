// Sessions as pages have them: on the CPU, on the GPU, in a worker; and everything that can go wrong.

import { EdgewiseError, InferenceSession, Tensor, env, type Progress, type SessionOptions } from "edgewise";
import { MODEL, input, scores } from "./digits";
import { close, equal, ok, rejects } from "./harness/assert";

// As many as make a page that may share memory do so.
if (crossOriginIsolated) env.wasm.numThreads = 2;

type Test = () => Promise<void>;

const WAYS: Record<string, SessionOptions> = {
  "the CPU": {},
  "the GPU": { executionProviders: ["webgpu"] },
  "a worker": { worker: true },
  "a worker's GPU": { worker: true, executionProviders: ["webgpu"] },
};

const opened = async <T>(
  use: (session: InferenceSession) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> => {
  const session = await InferenceSession.create(MODEL, options);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
};

/** The same tests for every way to run. */
const everywhere: Record<string, (options: SessionOptions) => Promise<void>> = {
  "gives what onnxruntime-web gives": async (options) => {
    const ort = await import(
      /* @vite-ignore */ `${location.origin}/npm/onnxruntime-web/dist/ort.wasm.min.mjs`
    );
    ort.env.wasm.wasmPaths = "/npm/onnxruntime-web/dist/";
    ort.env.wasm.numThreads = 1;
    const theirs = await ort.InferenceSession.create(MODEL);
    const given = input(5);
    const feeds = { [theirs.inputNames[0]]: new ort.Tensor("float32", given.data, given.dims) };
    const expected = await theirs.run(feeds);
    await opened(async (session) => {
      equal(session.inputNames, theirs.inputNames, "inputs");
      equal(session.outputNames, theirs.outputNames, "outputs");
      close(await scores(session, 5), expected[theirs.outputNames[0]].data, 1e-4);
    }, options);
    await theirs.release();
  },

  "says what the model takes and gives": (options) =>
    opened(async ({ inputMetadata, outputMetadata }) => {
      const [image] = inputMetadata;
      equal(image, { name: "image", isTensor: true, type: "float32", shape: ["N", 1, 8, 8] });
      equal(outputMetadata.length, 1);
    }, options),

  "runs several things at once, each with its own answer": (options) =>
    opened(async (session) => {
      const seeds = [1, 2, 3, 4];
      const alone = [];
      for (const seed of seeds) alone.push([...(await scores(session, 2, seed))]);
      const together = await Promise.all(seeds.map((seed) => scores(session, 2, seed)));
      equal(
        together.map((each) => [...each]),
        alone,
      );
    }, options),

  "names what is wrong with the inputs, and goes on": (options) =>
    opened(async (session) => {
      await rejects(session.run({}), "invalid-input", "image");
      const wrong = new Tensor("float32", new Float32Array(63), [1, 1, 7, 9]);
      await rejects(session.run({ image: wrong }), "invalid-input", "image", "8");
      const ints = new Tensor("int32", new Int32Array(64), [1, 1, 8, 8]);
      await rejects(session.run({ image: ints }), "invalid-input", "image", "f32");
      await rejects(session.run({ image: 3 as never }), "invalid-input", "image");
      await rejects(session.run({ image: input(1) }, ["none"]), "invalid-input", "none");
      equal((await scores(session)).length, 30);
    }, options),

  "ends a run whose signal has told to stop": (options) =>
    opened(async (session) => {
      await rejects(session.run({ image: input(1) }, { signal: AbortSignal.abort() }), "cancelled");
      equal((await scores(session)).length, 30);
    }, options),

  "refuses everything after release": async (options) => {
    const session = await InferenceSession.create(MODEL, options);
    await session.release();
    await session.release();
    await rejects(session.run({ image: input(1) }), "disposed", "released");
  },

  "says why a model cannot be loaded": async (options) => {
    const load = (model: string | Uint8Array) => InferenceSession.create(model, options);
    await rejects(load(`${MODEL}?fault=missing`), "not-found", "404", "digits_int8.onnx");
    await rejects(load(`${MODEL}?fault=html`), "invalid-model", "page");
    await rejects(load(new TextEncoder().encode("<!doctype html>")), "invalid-model");
    await rejects(load(new Uint8Array(0)), "invalid-model");
    const bytes = new Uint8Array(await (await fetch(MODEL)).arrayBuffer());
    await rejects(load(bytes.subarray(0, 1000)), "invalid-model");
    equal(await opened(async (session) => (await scores(session)).length, options), 30);
  },

  "tells how far loading has come": async (options) => {
    const told: Progress[] = [];
    await opened(async () => {}, { ...options, progress: (progress) => told.push(progress) });
    const downloads = told.filter(({ stage }) => stage === "download");
    ok(downloads.length > 0, "no progress was told of the download");
    const last = downloads.at(-1);
    equal(last?.loaded, last?.total, "the last of the download");
  },

  "ends loading when its signal tells to": async (options) => {
    const controller = new AbortController();
    const loading = InferenceSession.create(`${MODEL}?fault=stalled`, {
      ...options,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 200);
    await rejects(loading, "cancelled");
  },

  "loads bytes, parts of buffers, blobs, responses and streams": async (options) => {
    const bytes = await (await fetch(MODEL)).arrayBuffer();
    const expected = await opened((session) => scores(session), options);
    const padded = new Uint8Array(bytes.byteLength + 20);
    padded.set(new Uint8Array(bytes), 7);
    const models = [
      bytes,
      new Uint8Array(bytes),
      padded.subarray(7, 7 + bytes.byteLength),
      new Blob([bytes]),
      new Response(bytes),
      fetch(MODEL),
      new Blob([bytes]).stream(),
      new URL(MODEL, location.href),
    ];
    for (const model of models) {
      const session = await InferenceSession.create(model as never, options);
      equal([...(await scores(session))], [...expected]);
      await session.release();
    }
    const part = await InferenceSession.create(padded.buffer, 7, bytes.byteLength, options);
    equal([...(await scores(part))], [...expected]);
    await part.release();
  },
};

const named = Object.entries(WAYS).flatMap(([way, options]) =>
  Object.entries(everywhere).map(([name, test]): [string, Test] => [`${way} ${name}`, () => test(options)]),
);

const inWorker = (): Promise<void> =>
  opened(
    async (session) => {
      for (let i = 0; i < 5; i++) await scores(session, 500);
    },
    { worker: true },
  );

/** How many tasks of the page take more than 50 ms while something is done. */
const longTasks = async (act: () => Promise<void>): Promise<number> => {
  let count = 0;
  const observer = new PerformanceObserver((list) => (count += list.getEntries().length));
  observer.observe({ type: "longtask" });
  await act();
  await new Promise((done) => setTimeout(done, 100));
  observer.disconnect();
  return count;
};

const others: Record<string, Test> = {
  "all ways give the same bits": async () => {
    const all = [];
    for (const options of Object.values(WAYS)) {
      all.push(await opened(async (session) => [...(await scores(session, 7))], options));
    }
    for (const other of all) equal(other, all[0]);
  },

  "a session on the GPU says so, one on the CPU too": async () => {
    equal(await opened(async ({ device }) => device, { executionProviders: ["webgpu"] }), "gpu");
    equal(await opened(async ({ device }) => device, { executionProviders: ["webgpu", "wasm"] }), "gpu");
    equal(await opened(async ({ device }) => device), "cpu");
  },

  "outputs can be written into tensors that are given": () =>
    opened(async (session) => {
      const expected = await scores(session, 1);
      const [name = ""] = session.outputNames;
      const into = new Tensor("float32", new Float32Array(10), [1, 10]);
      const results = await session.run({ image: input(1) }, { [name]: into });
      ok(results[name] === into, "it was to be the very tensor");
      equal([...(into.data as Float32Array)], [...expected]);
      const wrong = new Tensor("float32", new Float32Array(9), [1, 9]);
      await rejects(session.run({ image: input(1) }, { [name]: wrong }), "invalid-input", name);
    }),

  "each option works or is refused by name": async () => {
    const refused = {
      optimizedModelFilePath: ["/m.onnx", "unsupported"],
      graphOptimizationLevel: ["most", "invalid-input"],
      executionMode: ["odd", "invalid-input"],
      executionProviders: [["tpu"], "invalid-input"],
      preferredOutputLocation: ["texture", "unsupported"],
      intraOpNumThreads: [-1, "invalid-input"],
      freeDimensionOverrides: [{ N: 1.5 }, "invalid-input"],
    };
    for (const [name, [value, code]] of Object.entries(refused)) {
      const word = name === "executionProviders" ? "tpu" : name;
      await rejects(
        InferenceSession.create(MODEL, { [name]: value } as SessionOptions),
        code as string,
        word,
      );
    }
    await rejects(InferenceSession.create(MODEL, { executionProviders: ["webnn"] }), "unsupported", "webnn");
    const taken = {
      executionProviders: ["webnn", "wasm"],
      graphOptimizationLevel: "disabled",
      enableCpuMemArena: false,
      enableMemPattern: true,
      executionMode: "parallel",
      interOpNumThreads: 2,
      intraOpNumThreads: 1,
      logId: "x",
      logSeverityLevel: 4,
      logVerbosityLevel: 0,
      enableGraphCapture: true,
      extra: {},
    };
    equal(await opened(async (session) => (await scores(session)).length, taken as SessionOptions), 30);
  },

  "free dimensions can be given numbers": () =>
    opened(
      async (session) => {
        equal(session.inputMetadata[0], {
          name: "image",
          isTensor: true,
          type: "float32",
          shape: [2, 1, 8, 8],
        });
        equal((await scores(session, 2)).length, 20);
        await rejects(session.run({ image: input(3) }), "invalid-input", "image");
      },
      { freeDimensionOverrides: { N: 2 } },
    ),

  "weights beside the model come whether its length is known or not": async () => {
    const [model, weights] = ["/models/external/model.onnx", "/models/external/weights.bin"];
    const externalData = [{ path: "weights.bin", data: weights }];
    const { body } = await fetch(model);
    for (const given of [model, body as ReadableStream<Uint8Array>]) {
      const session = await InferenceSession.create(given, { externalData });
      const x = new Tensor("float32", Float32Array.of(1, 1, 1, 1), [4]);
      equal(await session.run({ x }).then(({ y }) => y?.data), Float32Array.of(2, 3, 4, 5));
      await session.release();
    }
    await rejects(InferenceSession.create(model), "not-found", "weights.bin", "externalData");
    const broken = [{ path: "weights.bin", data: `${weights}?fault=missing` }];
    await rejects(InferenceSession.create(model, { externalData: broken }), "not-found", "404");
  },

  "profiling gives a trace of each run": () =>
    opened(
      async (session) => {
        await scores(session);
        await scores(session);
        const traces = session.endProfiling();
        equal(traces.length, 2);
        ok(
          JSON.parse(traces[0] ?? "").length > 3 || traces[0]?.includes("traceEvents"),
          "the trace has no steps",
        );
        await scores(session);
        session.startProfiling();
        equal(session.endProfiling(), []);
      },
      { enableProfiling: true },
    ),

  "errors are ours, and of one class": async () => {
    const error = await InferenceSession.create("/none").catch((error: unknown) => error);
    ok(error instanceof EdgewiseError && error instanceof Error, "it is none of ours");
  },

  "the page goes on while a worker loads and runs": async () => {
    // Other programs may hold the page up now and then, but not every time.
    let fewest = Infinity;
    for (let tries = 0; tries < 3 && fewest > 0; tries++)
      fewest = Math.min(fewest, await longTasks(inWorker));
    equal(fewest, 0, "tasks of the page over 50 ms");
  },

  "versions and levels are there": async () => {
    ok(/^\d+\.\d+\.\d+/.test(env.versions.edgewise), "there is no version");
    let thrown: unknown;
    try {
      env.logLevel = "loud" as never;
    } catch (error) {
      thrown = error;
    }
    ok(thrown instanceof EdgewiseError, "a level that there is not was taken");
    env.logLevel = "warning";
  },
};

export const tests: Record<string, Test> = { ...Object.fromEntries(named), ...others };
