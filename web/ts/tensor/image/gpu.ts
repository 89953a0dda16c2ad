// `Tensor.fromImage` on the GPU: a frame of a video, a bitmap or a canvas becomes a tensor by one pass over the result.
//
// What a reader would get wrong: no pixel passes through the CPU. A frame of a video is used where it lies, everything else
// is copied into a texture by the browser, on the GPU where it lies there.
import { env } from "../../api/env";
import { oneOf, tagOf } from "../data";
import type { TensorType } from "../types";
import { fitted } from "./fit";
import shader from "./gpu.wgsl";
import { isInterleaved, normOf, orderOf } from "./norm";
import type { ImageSource, TensorFromImageDataOptions } from "./options";
import { isRaw, open, unreadable, type Source } from "./source";

interface Made {
  type: TensorType;
  dims: number[];
  gpuBuffer: GPUBuffer;
  download: () => Promise<unknown>;
  dispose: () => void;
}

type Entry = "floats" | "bytes";

/** Pipelines of each device, by entry and by kind of texture. */
const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

/** The elements of a tensor of an image, in a buffer of the GPU that sessions use. */
export const onGpu = async (image: ImageSource, options: TensorFromImageDataOptions): Promise<Made> => {
  const device = await env.webgpu.device;
  const source = await open(image);
  try {
    return made(device, source, options);
  } catch (error) {
    if (!isFrame(source.image)) return unreadable(error);
  } finally {
    source.close?.();
  }
  // Where the page is drawn without a GPU, frames are of no use to one. A bitmap of the frame is.
  const bitmap = await createImageBitmap(source.image).catch(unreadable);
  try {
    return made(device, { ...source, image: bitmap }, options);
  } finally {
    bitmap.close();
  }
};

const made = (device: GPUDevice, source: Source, options: TensorFromImageDataOptions): Made => {
  const type = oneOf(options.dataType ?? "float32", ["float32", "uint8"], "dataType");
  const order = orderOf(options.tensorFormat ?? source.format ?? "RGB", "tensorFormat");
  const interleaved = isInterleaved(options.tensorLayout);
  const { part, size, at } = fitted(source, options);
  const channels = order.length;
  const elements = size.width * size.height * channels;
  const { bias, mean } = normOf(options, type === "uint8" ? 1 : 255);

  const words = new DataView(new ArrayBuffer(96));
  const floats = [
    ...[
      part.x / source.width,
      part.y / source.height,
      part.width / source.width,
      part.height / source.height,
    ],
    ...[at.x, at.y, at.width, at.height],
    ...bias,
    ...mean,
  ];
  floats.forEach((value, i) => words.setFloat32(i * 4, value, true));
  const integers = [...order, ...Array<number>(4 - channels).fill(0), size.width, size.height];
  [...integers, channels, Number(interleaved)].forEach((value, i) =>
    words.setUint32(64 + i * 4, value, true),
  );

  const bytes = type === "uint8" ? Math.ceil(elements / 4) * 4 : elements * 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const gpuBuffer = device.createBuffer({ label: "image", size: bytes, usage });
  try {
    run(device, source, words, gpuBuffer, type === "uint8" ? "bytes" : "floats", size);
  } catch (error) {
    gpuBuffer.destroy();
    throw error;
  }
  const dims = interleaved ? [1, size.height, size.width, channels] : [1, channels, size.height, size.width];
  const download = () => downloaded(device, gpuBuffer, type, elements);
  return { type, dims, gpuBuffer, download, dispose: () => gpuBuffer.destroy() };
};

const run = (
  device: GPUDevice,
  source: Source,
  words: DataView<ArrayBuffer>,
  result: GPUBuffer,
  entry: Entry,
  { width, height }: { width: number; height: number },
): void => {
  const { view, external, close } = textureOf(device, source);
  const parameters = device.createBuffer({
    size: words.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(parameters, 0, words);
  const pipeline = pipelineOf(device, entry, external);
  const entries = [
    { binding: 0, resource: view },
    { binding: 1, resource: device.createSampler({ magFilter: "linear", minFilter: "linear" }) },
    { binding: 2, resource: { buffer: parameters } },
    { binding: 3, resource: { buffer: result } },
  ];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  if (entry === "floats") pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8));
  else {
    const groups = Math.ceil(result.size / 4 / 64);
    const across = Math.min(groups, 65535);
    pass.dispatchWorkgroups(across, Math.ceil(groups / across));
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
  // What was submitted keeps what it needs.
  parameters.destroy();
  close?.();
};

interface Bound {
  view: GPUBindingResource;
  /** A frame of a video, used where it lies. */
  external: boolean;
  close?: () => void;
}

const textureOf = (device: GPUDevice, source: Source): Bound => {
  const external = isFrame(source.image) && device.importExternalTexture({ source: source.image });
  return external ? { view: external, external: true } : copied(device, source);
};

const copied = (device: GPUDevice, { image, width, height }: Source): Bound => {
  const usage =
    GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT;
  const texture = device.createTexture({
    label: "image",
    size: [width, height],
    format: "rgba8unorm",
    usage,
  });
  const to = { texture, premultipliedAlpha: false };
  if (isRaw(image)) {
    const layout = { bytesPerRow: 4 * width };
    device.queue.writeTexture(to, image.data as BufferSource, layout, [width, height]);
  } else {
    device.queue.copyExternalImageToTexture({ source: image as ImageBitmap }, to, [width, height]);
  }
  return { view: texture.createView(), external: false, close: () => texture.destroy() };
};

const isFrame = (image: Source["image"]): image is HTMLVideoElement | VideoFrame =>
  ["HTMLVideoElement", "VideoFrame"].includes(tagOf(image) ?? "");

const pipelineOf = (device: GPUDevice, entryPoint: Entry, external: boolean): GPUComputePipeline => {
  const own = pipelines.get(device) ?? new Map<string, GPUComputePipeline>();
  pipelines.set(device, own);
  const key = `${entryPoint} ${external}`;
  const known = own.get(key);
  if (known) return known;
  const code = external ? shader.replace("texture_2d<f32>", "texture_external") : shader;
  const module = device.createShaderModule({ label: "image", code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint } });
  own.set(key, pipeline);
  return pipeline;
};

const downloaded = async (
  device: GPUDevice,
  buffer: GPUBuffer,
  type: "float32" | "uint8",
  elements: number,
): Promise<Float32Array | Uint8Array> => {
  const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
  const host = device.createBuffer({ size: buffer.size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, host, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  try {
    await host.mapAsync(GPUMapMode.READ);
    const bytes = host.getMappedRange().slice(0);
    return type === "uint8" ? new Uint8Array(bytes, 0, elements) : new Float32Array(bytes);
  } finally {
    host.destroy();
  }
};
