// What onnxruntime-web's documentation shows, as functions of the package that is imported: no other line differs.
import type * as Edgewise from "edgewise";
import { MODEL, pictures } from "../digits";

/** The package under either name. */
export type Ort = Pick<typeof Edgewise, "InferenceSession" | "Tensor" | "env">;

const SHAPE = [2, 1, 8, 8];
const elements = (): Float32Array => pictures(2);

const ran = async (ort: Ort, session: Edgewise.InferenceSession): Promise<ArrayLike<number>> => {
  const [input = "", output = ""] = [...session.inputNames, ...session.outputNames];
  const feeds = { [input]: new ort.Tensor("float32", elements(), SHAPE) };
  const results = await session.run(feeds);
  const scores = results[output]?.data as Float32Array;
  await session.release();
  return scores;
};

/** Samples for the CPU, which both packages run. */
export const onCpu: Record<string, (ort: Ort) => Promise<ArrayLike<number>>> = {
  "a session of an address": async (ort) => ran(ort, await ort.InferenceSession.create(MODEL)),

  "a session of an ArrayBuffer": async (ort) => {
    const response = await fetch(MODEL);
    const model = await response.arrayBuffer();
    return ran(ort, await ort.InferenceSession.create(model));
  },

  "a session of a part of an ArrayBuffer": async (ort) => {
    const model = new Uint8Array(await (await fetch(MODEL)).arrayBuffer());
    const larger = new Uint8Array(model.length + 9);
    larger.set(model, 5);
    return ran(ort, await ort.InferenceSession.create(larger.buffer, 5, model.length));
  },

  "a session of a Uint8Array with options": async (ort) => {
    const model = new Uint8Array(await (await fetch(MODEL)).arrayBuffer());
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      enableCpuMemArena: true,
      enableMemPattern: true,
      executionMode: "sequential",
      freeDimensionOverrides: { N: 2 },
      logSeverityLevel: 3,
      extra: { session: { set_denormal_as_zero: "1" } },
    });
    return ran(ort, session);
  },

  "an image as a tensor": async (ort) => {
    const image = new ImageData(8, 8);
    image.data.forEach((_, i) => (image.data[i] = i % 4 === 3 ? 255 : (i * 37) & 255));
    const tensor = await ort.Tensor.fromImage(image, {
      tensorFormat: "RGB",
      norm: { mean: 255, bias: 0 },
    });
    return tensor.data as Float32Array;
  },

  "a tensor as an image": async (ort) => {
    const data = Float32Array.from({ length: 3 * 64 }, (_, i) => i / 192);
    const tensor = new ort.Tensor("float32", data, [1, 3, 8, 8]);
    return tensor.toImageData({ format: "RGB", norm: { mean: 255, bias: 0 } }).data;
  },

  "an address of an image as a tensor": async (ort) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    const context = canvas.getContext("2d");
    if (context) Object.assign(context, { fillStyle: "rgb(10 200 60)" }).fillRect(2, 2, 4, 4);
    return (await ort.Tensor.fromImage(canvas.toDataURL())).data as Float32Array;
  },
};

const buffers = async (ort: Ort) => {
  const device = await ort.env.webgpu.device;
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST | GPUBufferUsage.STORAGE;
  const made = (size: number) => device.createBuffer({ usage, size: Math.ceil(size / 16) * 16 });
  const given = made(elements().byteLength);
  device.queue.writeBuffer(given, 0, new Float32Array(elements()));
  return { given, kept: made(2 * 10 * 4) };
};

/** Samples of keeping tensors on the GPU. */
export const onGpu: Record<string, (ort: Ort) => Promise<ArrayLike<number>>> = {
  "an input from a GPU buffer": async (ort) => {
    const session = await ort.InferenceSession.create(MODEL, { executionProviders: ["webgpu"] });
    const { given } = await buffers(ort);
    const image = ort.Tensor.fromGpuBuffer(given, { dataType: "float32", dims: SHAPE });
    const results = await session.run({ image });
    const [scores] = Object.values(results);
    await session.release();
    return scores?.data as Float32Array;
  },

  "an output into a GPU buffer that is there already": async (ort) => {
    const session = await ort.InferenceSession.create(MODEL, { executionProviders: ["webgpu"] });
    const { kept } = await buffers(ort);
    const [name = ""] = session.outputNames;
    const output = ort.Tensor.fromGpuBuffer(kept, { dataType: "float32", dims: [2, 10] });
    const image = new ort.Tensor("float32", elements(), SHAPE);
    const results = await session.run({ image }, { [name]: output });
    if (results[name]?.gpuBuffer !== kept) throw new Error("it was to be the buffer that was given");
    const read = await download(await ort.env.webgpu.device, kept, 80);
    await session.release();
    return new Float32Array(read);
  },

  "outputs whose place is named": async (ort) => {
    const session = await ort.InferenceSession.create(MODEL, {
      executionProviders: ["webgpu"],
      preferredOutputLocation: "gpu-buffer",
    });
    const results = await session.run({ image: new ort.Tensor("float32", elements(), SHAPE) });
    const [scores] = Object.values(results);
    if (scores?.location !== "gpu-buffer") throw new Error(`it lies in ${scores?.location}`);
    const data = (await scores.getData(true)) as Float32Array;
    await session.release();
    return data;
  },

  "what one session gives on the GPU goes into another one": async (ort) => {
    const first = await ort.InferenceSession.create("/models/identity/float32.onnx", {
      executionProviders: ["webgpu"],
      preferredOutputLocation: { y: "gpu-buffer" },
    });
    const session = await ort.InferenceSession.create(MODEL, { executionProviders: ["webgpu"] });
    const { y } = await first.run({ x: new ort.Tensor("float32", elements(), [16, 8]) });
    const buffer = y?.gpuBuffer as GPUBuffer;
    const image = ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: SHAPE });
    const [scores] = Object.values(await session.run({ image }));
    y?.dispose();
    await Promise.all([first.release(), session.release()]);
    return scores?.data as Float32Array;
  },
};

const download = async (device: GPUDevice, buffer: GPUBuffer, size: number): Promise<ArrayBuffer> => {
  const to = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, to, 0, size);
  device.queue.submit([encoder.finish()]);
  await to.mapAsync(GPUMapMode.READ);
  const bytes = to.getMappedRange().slice(0);
  to.destroy();
  return bytes;
};
