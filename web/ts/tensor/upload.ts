// Results that were computed on the CPU, for whoever asked for them on the GPU.

import type { OnGpu, Plain } from "../engine/engine";

/** Brings a tensor's elements into a buffer of its own; what is no tensor of numbers cannot lie in one. */
export const upload = (device: GPUDevice, value: Plain): Plain | OnGpu => {
  if (value.kind !== "tensor") return value;
  const { dtype, dims, bytes } = value;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  // Buffers that are mapped have whole words, and bindings are not empty.
  const size = Math.max(16, Math.ceil(bytes.length / 16) * 16);
  const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return { kind: "gpu", dtype, dims, buffer, download: async () => value, free: () => buffer.destroy() };
};
