// What `new Tensor(…)` is given, in all the forms of onnxruntime-common, as the parts of a tensor.
import { checkLength, dataFor, invalid, known, oneOf, show, sizeOf, typeOf, unsupported } from "./data";
import type { Place } from "./place";
import type { Tensor } from "./tensor";
import { bytesFor } from "./types";
import type { ElementType, TensorData, TensorType } from "./types";

/** What a tensor consists of: elements in an array, or a place where they lie. */
export interface Parts {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly size: number;
  readonly location: Tensor.DataLocation;
  readonly data?: TensorData;
  readonly place?: Place;
}

/** Parts that are in order already: the one form that callers of the package do not have. */
export class Ready {
  constructor(readonly parts: Parts) {}
}

/** What a form with a location may have, unchecked. */
interface Located extends Omit<Place, "location"> {
  readonly location: unknown;
  readonly type: unknown;
  readonly dims: unknown;
  readonly data?: unknown;
}

/** The dimensions of a list. */
const flat = ({ type, bits }: ElementType, length: number): number[] => {
  if (type.startsWith("complex")) return [length / 2];
  // Nothing says whether the last byte is full. 4-bit integers count bytes then, as in onnxruntime-common.
  if (bits === 2 || type === "float4e2m1")
    throw invalid(`a tensor of ${type} needs dims: its data is packed`);
  return [length];
};

/** A tensor of elements in an array. */
const inArray = (type: unknown, data: unknown, dims: unknown, location: "cpu" | "cpu-pinned"): Parts => {
  const element = known(type);
  if (element.bits === 0 && location !== "cpu") throw invalid("a tensor of strings cannot be pinned");
  const held = dataFor(element, data);
  const shape = dims === undefined ? flat(element, held.length) : dims;
  const size = sizeOf(shape);
  checkLength(element, size, held.length);
  return { type: element.type, dims: [...(shape as number[])], size, location, data: held };
};

/** A tensor of elements in a texture or in a GPUBuffer. */
const onGpu = (given: Located, location: "texture" | "gpu-buffer"): Parts => {
  const element = known(given.type);
  const { type, bits } = element;
  if (bits === 0 || (location === "texture" && type !== "float32")) {
    throw invalid(`a tensor of ${type} cannot lie in a ${location}`);
  }
  const { texture, gpuBuffer, dims, download, dispose } = given;
  const home: unknown = location === "texture" ? texture : gpuBuffer;
  if (typeof home !== "object" || home === null) throw invalid(`${show(home)} is no ${location}`);
  const size = sizeOf(dims);
  const bytes = bytesFor(element, size);
  if (gpuBuffer && gpuBuffer.size < bytes) {
    throw invalid(`${size} elements of ${type} take ${bytes} bytes, but the GPUBuffer has ${gpuBuffer.size}`);
  }
  const place: Place = { location, texture, gpuBuffer, download, dispose };
  return { type, dims: [...(dims as number[])], size, location, place };
};

const LOCATIONS = ["cpu", "cpu-pinned", "texture", "gpu-buffer", "ml-tensor"] as const;

const located = (given: Located): Parts => {
  const location = oneOf(given.location, LOCATIONS, "location");
  if (location === "ml-tensor")
    throw unsupported("tensors of WebNN are not supported: use a GPUBuffer or an array");
  return location === "texture" || location === "gpu-buffer"
    ? onGpu(given, location)
    : inArray(given.type, given.data, given.dims, location);
};

/** The parts of a tensor by what its constructor was given. */
export const partsOf = (first: unknown, second: unknown, third: unknown): Parts => {
  if (first instanceof Ready) return first.parts;
  if (typeof first === "string") return inArray(first, second, third, "cpu");
  if (typeof first === "object" && first !== null && "location" in first) return located(first as Located);
  return inArray(typeOf(first), first, second, "cpu");
};
