// Values that lie on the GPU, on a device of the page's own: each line names something, and says `ok` or what came
// instead.
import init, { Loading, Value, openGpu } from "/ours/relaxed/dist/edgewise.js";
import { model, node, port } from "./onnx.mjs";
import { refused, report, same } from "./saying.mjs";

// y = -x of any size.
const negative = model({ nodes: [node("Neg", ["x"], ["y"])], inputs: [port("x", ["n"])], outputs: [port("y", ["n"])] });

const floats = (...numbers) => Float32Array.from(numbers);
const numbers = (value) => [...new Float32Array(value.bytes().buffer)];

const cases = (gpu, device) => {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const loaded = async (options) => {
    const loading = new Loading(negative.length, options);
    loading.push(negative);
    return loading.finish();
  };
  const onGpu = () => loaded({ device });
  const buffer = (numbers, usage = STORAGE | COPY_SRC | COPY_DST, size = numbers.byteLength) => {
    const made = gpu.createBuffer({ size, usage });
    gpu.queue.writeBuffer(made, 0, numbers);
    return made;
  };
  const value = (made, size) => Value.buffer(device, "f32", Float64Array.of(size), made);
  const read = async (from, bytes) => {
    const to = gpu.createBuffer({ size: bytes, usage: COPY_DST | MAP_READ });
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    await to.mapAsync(GPUMapMode.READ);
    return [...new Float32Array(to.getMappedRange().slice(0))];
  };
  return {
    "progress tells of pipelines where all sizes are known": async () => {
      const told = [];
      const progress = (stage, done, total) => stage === "pipelines" && told.push([done, total]);
      await loaded({ device, progress });
      same(told, []);
      await loaded({ device, progress, freeDimensions: { n: 4 } });
      same(told, [[0, 1], [1, 1]]);
    },
    "an input of the page is read where it lies": async () => {
      const session = await onGpu();
      const mine = buffer(floats(1, 2, 3, 4));
      const { outputs, uploads, launches } = await session.run(["x"], [value(mine, 4)]);
      same([numbers(outputs[0]), outputs[0].place, uploads, launches], [[-1, -2, -3, -4], "cpu", 0, 1]);
      same(await read(mine, 16), [1, 2, 3, 4]);
    },
    "one that kernels cannot read as it is comes as a copy": async () => {
      const session = await onGpu();
      for (const mine of [buffer(floats(1, 2, 3, 4, 5)), buffer(floats(1, 2, 3, 4, 5, 6, 7, 8), COPY_SRC | COPY_DST)]) {
        const { outputs, uploads } = await session.run(["x"], [value(mine, 5)]);
        same([numbers(outputs[0]), uploads], [[-1, -2, -3, -4, -5], 0]);
      }
    },
    "an output stays there, goes into the next run, and is the page's to read": async () => {
      const session = await onGpu();
      const mine = buffer(floats(1, 2, 3, 4));
      const first = await session.run(["x"], [value(mine, 4)], { onDevice: ["y"] });
      const [there] = first.outputs;
      same([there.place, there.dtype, there.dims, first.downloads], ["gpu", "f32", [4], 0]);
      await refused("invalid-input", "fetch()", () => there.bytes());
      same(await read(there.gpuBuffer(), 16), [-1, -2, -3, -4]);
      const second = await session.run(["x"], [there.share()]);
      same([numbers(second.outputs[0]), second.uploads], [[1, 2, 3, 4], 0]);
      same(numbers(await there.fetch()), [-1, -2, -3, -4]);
      there.free();
    },
    "outputs that stay are not written by later runs": async () => {
      const session = await onGpu();
      const run = async (n) =>
        (await session.run(["x"], [value(buffer(floats(n, n, n, n)), 4)], { onDevice: ["y"] })).outputs[0];
      const [a, b] = [await run(1), await run(2)];
      same([numbers(await a.fetch()), numbers(await b.fetch())], [[-1, -1, -1, -1], [-2, -2, -2, -2]]);
    },
    "what cannot be is refused, and the next run works": async () => {
      const session = await onGpu();
      await refused("invalid-input", "the buffer 16", () => value(buffer(floats(1, 2, 3, 4)), 5));
      await refused("invalid-input", "COPY_SRC", () => value(buffer(floats(1, 2, 3, 4), STORAGE | COPY_DST), 4));
      await refused("invalid-input", "'f99'", () => Value.buffer(device, "f99", Float64Array.of(1), buffer(floats(1))));
      await refused("invalid-input", "'w'", () =>
        session.run(["x"], [value(buffer(floats(1, 2, 3, 4)), 4)], { onDevice: ["w"] }),
      );
      const there = (await session.run(["x"], [value(buffer(floats(1, 2, 3, 4)), 4)])).outputs[0];
      await refused("invalid-input", "not lie on the GPU", () => there.gpuBuffer());
      same(numbers(await there.fetch()), [-1, -2, -3, -4]);
    },
    "a value on the GPU is none for a session on the processor": async () => {
      const session = await loaded();
      await refused("invalid-input", "runs on the host", () => session.run(["x"], [value(buffer(floats(1, 2, 3, 4)), 4)]));
    },
    "a value of another device is refused": async () => {
      const session = await loaded({ device: await openGpu() });
      await refused("device-lost", "another device", () => session.run(["x"], [value(buffer(floats(1, 2, 3, 4)), 4)]));
    },
    "a device must be one": async () => {
      await refused("invalid-input", "GPUDevice", () => openGpu({ device: {} }));
      await refused("invalid-input", "GPUAdapter", () => openGpu({ adapter: {} }));
      await refused("invalid-input", "openGpu()", () => loaded({ device: gpu }));
    },
    "an adapter of the page is opened": async () => {
      const opened = await openGpu({ adapter: await navigator.gpu.requestAdapter() });
      same([opened.gpu instanceof GPUDevice, opened.lost], [true, false]);
    },
    "the page's device outlives our handles": async () => {
      const opened = await openGpu({ device: gpu });
      same(opened.gpu === gpu, true);
      opened.free();
      same(await read(buffer(floats(5, 6)), 8), [5, 6]);
    },
    "a device that the page destroys is lost": async () => {
      const session = await onGpu();
      gpu.destroy();
      await gpu.lost;
      const x = Value.tensor("f32", Float64Array.of(1), new Uint8Array(4));
      await refused("device-lost", "", () => session.run(["x"], [x]));
      same(device.lost, true);
    },
  };
};

export const open = async () => {
  await init({ module_or_path: fetch("/ours/relaxed/dist/edgewise_bg.wasm") });
  const gpu = await (await navigator.gpu.requestAdapter()).requestDevice();
  const lines = await report(cases(gpu, await openGpu({ device: gpu })));
  return { run() {}, outputs: () => [], about: () => ({ lines }) };
};
