// Tensors that stay on the GPU: inputs of the page's, outputs that are left there, images that never come to the CPU.

import { InferenceSession, Tensor, env, type SessionOptions } from "edgewise";
import { MODEL, input, pictures, scores } from "./digits";
import { close, equal, ok, rejects } from "./harness/assert";

const ON_GPU = { executionProviders: ["webgpu"] };

const opened = async (
  use: (session: InferenceSession) => Promise<void>,
  options: SessionOptions = {},
): Promise<void> => {
  const session = await InferenceSession.create(MODEL, { ...ON_GPU, ...options });
  await use(session).finally(() => session.release());
};

const buffer = (device: GPUDevice, data: Float32Array): GPUBuffer => {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const made = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
  device.queue.writeBuffer(made, 0, data as BufferSource);
  return made;
};

/** How often pixels or elements went through the CPU while something was done. */
const counted = async (act: () => Promise<void>): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  const undo: (() => void)[] = [];
  const watch = (owner: object, method: string, counts_: (...given: never[]) => boolean = () => true) => {
    const own = Reflect.get(owner, method) as (...given: never[]) => unknown;
    counts[method] = 0;
    Reflect.set(owner, method, function (this: unknown, ...given: never[]) {
      if (counts_(...given)) counts[method] = (counts[method] ?? 0) + 1;
      return own.apply(this, given);
    });
    undo.push(() => Reflect.set(owner, method, own));
  };
  // Parameters are written too: they are of a few words.
  watch(
    GPUQueue.prototype,
    "writeBuffer",
    (...[, , data]: [never, never, BufferSource]) => data.byteLength > 256,
  );
  watch(GPUQueue.prototype, "writeTexture");
  watch(OffscreenCanvasRenderingContext2D.prototype, "getImageData");
  watch(VideoFrame.prototype, "copyTo");
  watch(GPUBuffer.prototype, "mapAsync");
  await act().finally(() => undo.forEach((again) => again()));
  return counts;
};

/** A picture with a color of its own in each pixel. */
const canvas = (width: number, height: number): OffscreenCanvas => {
  const made = new OffscreenCanvas(width, height);
  const context = made.getContext("2d");
  ok(context, "there is no canvas");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++)
    image.data.set([(i * 7) % 256, (i * 3) % 256, i % 256, 255], i * 4);
  context.putImageData(image, 0, 0);
  return made;
};

export const tests: Record<string, () => Promise<void>> = {
  "an input in a buffer of the page gives the same bits": () =>
    opened(async (session) => {
      const expected = await scores(session, 3);
      const device = await env.webgpu.device;
      const gpuBuffer = buffer(device, pictures(3));
      const image = Tensor.fromGpuBuffer(gpuBuffer, { dataType: "float32", dims: [3, 1, 8, 8] });
      for (let i = 0; i < 3; i++) {
        const results = await session.run({ image });
        equal([...(Object.values(results)[0]?.data as Float32Array)], [...expected]);
      }
      gpuBuffer.destroy();
    }),

  "an output that stays on the GPU is fetched when it is asked for": () =>
    opened(
      async (session) => {
        const [name = ""] = session.outputNames;
        const { [name]: output } = await session.run({ image: input(3) });
        ok(output, "there is no output");
        equal([output.location, output.dims, output.type], ["gpu-buffer", [3, 10], "float32"]);
        ok(output.gpuBuffer instanceof GPUBuffer, "it has no buffer");
        const data = (await output.getData()) as Float32Array;
        output.dispose();
        const plain = await InferenceSession.create(MODEL, ON_GPU);
        equal([...data], [...(await scores(plain, 3))]);
        await plain.release();
      },
      { preferredOutputLocation: "gpu-buffer" },
    ),

  "outputs on the GPU are given back when they are disposed": () =>
    opened(
      async (session) => {
        const outputs: Tensor[] = [];
        for (let i = 0; i < 50; i++) {
          const results = await session.run({ image: input(3, i) });
          outputs.push(...Object.values(results));
        }
        const first = outputs.map((output) => output.gpuBuffer);
        equal(new Set(first).size, 50, "buffers of outputs that all live");
        outputs.forEach((output) => output.dispose());
        await rejects(
          Promise.resolve().then(() => outputs[0]?.getData()),
          "disposed",
        );
      },
      { preferredOutputLocation: "gpu-buffer" },
    ),

  "a session on the CPU says that it cannot take a tensor on the GPU": async () => {
    const session = await InferenceSession.create(MODEL);
    const gpuBuffer = buffer(await env.webgpu.device, pictures(1));
    const image = Tensor.fromGpuBuffer(gpuBuffer, { dataType: "float32", dims: [1, 1, 8, 8] });
    await rejects(session.run({ image }), "invalid-input", "GPU", "getData");
    await session.release();
    gpuBuffer.destroy();
  },

  "a canvas becomes the same tensor on the GPU as on the CPU": async () => {
    const image = canvas(13, 9);
    const layouts = ["NCHW", "NHWC"] as const;
    const formats = ["RGB", "BGR", "RGBA"] as const;
    for (const tensorLayout of layouts) {
      for (const tensorFormat of formats) {
        for (const dataType of ["float32", "uint8"] as const) {
          const norm = { mean: [1, 2, 4], bias: [0, -3, 5] } as const;
          const options = { tensorLayout, tensorFormat, dataType, ...(dataType === "float32" && { norm }) };
          const host = await Tensor.fromImage(image, options);
          const made = await Tensor.fromImage(image, { ...options, location: "gpu-buffer" });
          equal([made.location, made.dims, made.type], ["gpu-buffer", host.dims, host.type]);
          close((await made.getData()) as Float32Array, host.data as Float32Array, 1e-3);
          made.dispose();
        }
      }
    }
  },

  "images are cut and laid out on the GPU as on the CPU": async () => {
    const image = canvas(32, 24);
    const crop = { x: 3, y: 5, width: 16, height: 8 };
    const cases = [{ crop }, { crop, resizedWidth: 20, resizedHeight: 12, fit: "window" }];
    for (const options of cases as Parameters<typeof Tensor.fromImage>[1][]) {
      const host = await Tensor.fromImage(image, options);
      const made = await Tensor.fromImage(image, { ...options, location: "gpu-buffer" });
      equal(made.dims, host.dims);
      close((await made.getData()) as Float32Array, host.data as Float32Array, 1e-2);
      made.dispose();
    }
  },

  "a frame of a video reaches the model without a copy on the CPU": () =>
    opened(async (session) => {
      const frame = new VideoFrame(canvas(64, 48), { timestamp: 0 });
      const bitmap = await createImageBitmap(canvas(64, 48));
      const options = {
        location: "gpu-buffer",
        tensorLayout: "NCHW",
        resizedWidth: 8,
        resizedHeight: 8,
      } as const;
      // The pipelines are made, and what a first run needs.
      await session.run({ image: input(1) });
      for (const source of [frame, bitmap]) {
        let made: Tensor | undefined;
        const counts = await counted(async () => {
          made = await Tensor.fromImage(source, options);
        });
        equal(counts, { writeBuffer: 0, writeTexture: 0, getImageData: 0, copyTo: 0, mapAsync: 0 });
        equal(made?.dims, [1, 3, 8, 8]);
        made?.dispose();
      }
      frame.close();
      bitmap.close();
    }),

  "the page's own device is used, and left alone": async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const own = await adapter?.requestDevice();
    ok(own, "there is no device");
    const session = await InferenceSession.create(MODEL, {
      executionProviders: [{ name: "webgpu", device: own }],
    });
    ok((await env.webgpu.device) === own, "the device in use is another one");
    const gpuBuffer = buffer(own, pictures(2));
    const image = Tensor.fromGpuBuffer(gpuBuffer, { dataType: "float32", dims: [2, 1, 8, 8] });
    equal(Object.values(await session.run({ image }))[0]?.dims, [2, 10]);
    await session.release();
    const lost = await Promise.race([
      own.lost.then(() => true),
      new Promise((done) => setTimeout(done, 100)),
    ]);
    equal(lost, undefined, "the page's device was destroyed");
  },
};
