// Programs that were written for onnxruntime: its own front ends with Edgewise as their backend, and the samples of its
// documentation on Edgewise, against its own engine.
import * as edgewise from "edgewise";
import { backend } from "edgewise/backend";
import * as common from "onnxruntime-common";
import * as ort from "onnxruntime-web/wasm";
import { MODEL, pictures } from "./digits";
import { onCpu, onGpu, type Ort } from "./front/samples";
import { close, equal, ok, rejects } from "./harness/assert";

type Test = () => Promise<void>;
type Front = typeof common;
type Options = common.InferenceSession.SessionOptions;

ort.env.wasm.wasmPaths = "/npm/onnxruntime-web/dist/";
ort.env.wasm.numThreads = 1;

const FRONTS: Record<string, Front> = { "onnxruntime-common": common, "onnxruntime-web": ort };
for (const front of Object.values(FRONTS)) front.registerBackend("edgewise", backend as never, -1);

const CPU: Options = { executionProviders: [{ name: "edgewise", executionProviders: ["wasm"] } as never] };
const GPU: Options = { executionProviders: ["edgewise"] };

const image = (front: Front, count = 2) => new front.Tensor("float32", pictures(count), [count, 1, 8, 8]);

const theirs = await ort.InferenceSession.create(MODEL);
const [NAME = ""] = theirs.outputNames;
const expected = async (count = 2): Promise<Float32Array> =>
  (await theirs.run({ image: image(ort, count) }))[NAME]?.data as Float32Array;

const opened = async (
  front: Front,
  options: Options,
  use: (session: common.InferenceSession) => Promise<void>,
): Promise<void> => {
  const session = await front.InferenceSession.create(MODEL, options);
  try {
    await use(session);
  } finally {
    await session.release();
  }
};

const ELEMENTS: Record<string, unknown[]> = {
  float32: [0.5, -1, 3e38, 1e-40, -0, Infinity],
  float64: [0.1, -1, 1e300, 0, -0, -Infinity],
  float16: [0.5, -1, 65504, 0, 2, 6],
  int8: [-128, 127, 0, 1, 2, 3],
  uint8: [255, 1, 0, 1, 2, 3],
  int16: [-32768, 32767, 0, 1, 2, 3],
  uint16: [65535, 1, 0, 1, 2, 3],
  int32: [-(2 ** 31), 2 ** 31 - 1, 0, 1, 2, 3],
  uint32: [2 ** 32 - 1, 1, 0, 1, 2, 3],
  int64: [-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n, 2n, 3n],
  uint64: [2n ** 64n - 1n, 1n, 0n, 1n, 2n, 3n],
  bool: [true, false, true, true, false, false],
  string: ["", "a", "ä", "𝒳", "b\n", " c "],
};

/** The same tests for each front end. */
const everywhere: Record<string, (front: Front) => Promise<void>> = {
  "gives what onnxruntime-web's own engine gives": async (front) => {
    for (const options of [CPU, GPU]) {
      await opened(front, options, async (session) => {
        equal(session.inputNames, theirs.inputNames, "inputs");
        equal(session.outputNames, theirs.outputNames, "outputs");
        equal(session.inputMetadata, theirs.inputMetadata, "what is known of inputs");
        const { [NAME]: scores } = await session.run({ image: image(front, 5) });
        ok(scores instanceof front.Tensor, "it is no tensor of the front end's");
        equal(scores.dims, [5, 10]);
        close(scores.data as Float32Array, await expected(5), 1e-4);
      });
    }
  },

  "passes elements of every type as they are": async (front) => {
    for (const [type, elements] of Object.entries(ELEMENTS)) {
      const path = `/models/identity/${type}.onnx`;
      const [session, own] = await Promise.all([
        front.InferenceSession.create(path, CPU),
        ort.InferenceSession.create(path),
      ]);
      const given = (from: Front) => ({ x: new from.Tensor(type as "int32", elements as number[], [2, 3]) });
      const [{ y }, { y: other }] = await Promise.all([session.run(given(front)), own.run(given(ort))]);
      equal([y?.type, y?.dims], [other?.type, other?.dims], type);
      equal(y?.data.constructor.name, other?.data.constructor.name, type);
      equal([...(y?.data ?? [])], [...(other?.data ?? [])], type);
      await Promise.all([session.release(), own.release()]);
    }
  },

  "fetches what is named, and into tensors that are given": (front) =>
    opened(front, CPU, async (session) => {
      const feeds = { image: image(front) };
      for (const fetches of [[NAME], { [NAME]: null }]) {
        equal(Object.keys(await session.run(feeds, fetches as string[], { tag: "x" })), [NAME]);
      }
      const into = new front.Tensor("float32", new Float32Array(20), [2, 10]);
      const results = await session.run(feeds, { [NAME]: into });
      ok(results[NAME] === into, "it was to be the very tensor");
      close(into.data as Float32Array, await expected(), 1e-4);
      const wrong = new front.Tensor("float32", new Float32Array(9), [9]);
      await rejects(session.run(feeds, { [NAME]: wrong }), "invalid-input", NAME);
    }),

  "names what is wrong, and goes on": (front) =>
    opened(front, CPU, async (session) => {
      const load = (path: string, options = CPU) => front.InferenceSession.create(path, options);
      await rejects(load(`${MODEL}?fault=missing`), "not-found", "404");
      await rejects(load(MODEL, { ...CPU, optimizedModelFilePath: "x" }), "unsupported", "optimizedModel");
      const ints = new front.Tensor("int32", new Int32Array(64), [1, 1, 8, 8]);
      await rejects(session.run({ image: ints }), "invalid-input", "image");
      await rejects(session.run({ image: image(front) }, { terminate: true }), "cancelled");
      const { [NAME]: scores } = await session.run({ image: image(front) });
      equal(scores?.size, 20);
    }),

  "hands options on, and nothing runs after release": async (front) => {
    const options: Options = { ...CPU, freeDimensionOverrides: { N: 2 } };
    const session = await front.InferenceSession.create(MODEL, options);
    const [first] = session.inputMetadata;
    equal(first?.isTensor && first.shape, [2, 1, 8, 8]);
    await session.release();
    await session.release();
    await rejects(session.run({ image: image(front) }), "disposed", "released");
  },

  "prints a profile when it ends": (front) =>
    opened(front, CPU, async (session) => {
      const [log, told] = [console.log, [] as string[]];
      console.log = (text: string) => told.push(text);
      try {
        session.startProfiling();
        await session.run({ image: image(front) });
        session.endProfiling();
      } finally {
        console.log = log;
      }
      equal(told.length, 1);
      ok(JSON.parse(told[0] ?? ""), "it is no JSON");
    }),

  "keeps tensors on the GPU": (front) =>
    opened(front, { ...GPU, preferredOutputLocation: "gpu-buffer" }, async (session) => {
      const device = await edgewise.env.webgpu.device;
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const buffer = device.createBuffer({ usage, size: 512 });
      device.queue.writeBuffer(buffer, 0, new Float32Array(pictures(2)));
      const feeds = { image: front.Tensor.fromGpuBuffer(buffer, { dims: [2, 1, 8, 8] }) };
      const { [NAME]: scores } = await session.run(feeds);
      ok(scores instanceof front.Tensor, "it is no tensor of the front end's");
      equal(scores.location, "gpu-buffer");
      close((await scores.getData(true)) as Float32Array, await expected(), 1e-4);
      equal(scores.location, "cpu");
      const kept = front.Tensor.fromGpuBuffer(device.createBuffer({ usage, size: 80 }), { dims: [2, 10] });
      const results = await session.run(feeds, { [NAME]: kept });
      ok(results[NAME] === kept, "it was to be the very tensor");
      buffer.destroy();
    }),
};

const fronts = Object.entries(FRONTS).flatMap(([name, front]) =>
  Object.entries(everywhere).map(([what, test]): [string, Test] => [`${name} ${what}`, () => test(front)]),
);

const samples = [
  ...Object.entries(onCpu).map(([name, sample]): [string, Test] => [
    `${name} is what it is with onnxruntime-web`,
    async () => close(await sample(edgewise), await sample(ort as unknown as Ort), 1e-4),
  ]),
  ...Object.entries(onGpu).map(([name, sample]): [string, Test] => [
    `${name} gives what onnxruntime-web's engine gives`,
    async () => close(await sample(edgewise), await expected(), 1e-4),
  ]),
];

export const tests: Record<string, Test> = Object.fromEntries([...fronts, ...samples]);
