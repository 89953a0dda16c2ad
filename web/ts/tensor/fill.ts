// Writes results into tensors that callers have for them, as `fetches` name them.
//
// What a reader would get wrong: what the caller gets back is the very tensor that was given, of whatever package it is.

import type { OnGpu, Plain } from "../engine/engine";
import { invalid, known } from "./data";
import { fromResult } from "./feeds";
import { asTensor } from "./make";
import type { Tensor } from "./tensor";
import { bytesFor } from "./types";
import type { OnnxValue } from "./values";

/** Fills a tensor; `device` is where it may lie if it lies on a GPU. */
export const fill = async (
  into: OnnxValue,
  output: Plain | OnGpu,
  what: string,
  device: (() => Promise<GPUDevice>) | undefined,
): Promise<OnnxValue> => {
  const result = fromResult(output) as Tensor;
  const given = asTensor(into, what);
  const onGpu = given.location === "gpu-buffer" && device;
  const same = given.type === result.type && given.dims.join() === result.dims.join();
  try {
    if (same && onGpu) copy(await onGpu(), result, given.gpuBuffer);
    else if (same && given.location === "cpu") assign(given.data, await result.getData());
    else throw unfit(what, result, given);
  } finally {
    result.dispose();
  }
  return into;
};

const assign = (to: Tensor.DataType, from: Tensor.DataType): void => {
  if (Array.isArray(to)) Object.assign(to, from);
  else to.set(from as never);
};

// GPUs copy words of four bytes, and buffers have no smaller ones.
const copy = (device: GPUDevice, from: Tensor, to: GPUBuffer): void => {
  const bytes = bytesFor(known(from.type), from.size);
  const whole = Math.ceil(bytes / 4) * 4;
  if (from.location === "gpu-buffer") {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from.gpuBuffer, 0, to, 0, whole);
    device.queue.submit([encoder.finish()]);
    return;
  }
  const { buffer, byteOffset } = from.data as Uint8Array;
  const words = new Uint8Array(whole);
  words.set(new Uint8Array(buffer, byteOffset, bytes));
  device.queue.writeBuffer(to, 0, words);
};

const unfit = (what: string, result: Tensor, given: Tensor): Error => {
  const has = `${given.type}[${given.dims.join(", ")}] in ${given.location}`;
  return invalid(`${what} is ${result.type}[${result.dims.join(", ")}], which does not fit the given ${has}`);
};
