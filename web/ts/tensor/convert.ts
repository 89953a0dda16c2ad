// Tensors to and from what the module takes and gives: bytes with a type and dimensions, or strings.
//
// What a reader would get wrong: nothing is copied where that can be helped. `toValue` gives a view of the tensor's
// own array, and `fromValue` keeps the bytes it is given, unless they start where such an array cannot.
import { EdgewiseError } from "../errors";
import { invalid, known, sizeOf } from "./data";
import { Tensor } from "./tensor";
import { bytesFor, elementTypeOf } from "./types";

/** A tensor as the module has it. */
export type ModuleValue =
  | { readonly dtype: string; readonly dims: readonly number[]; readonly bytes: Uint8Array }
  | { readonly dims: readonly number[]; readonly strings: string[] };

/** A tensor of the module's. The elements must be on the CPU. `what` is what messages call it. */
export const toValue = (tensor: Tensor, what = "the tensor"): ModuleValue => {
  const { data } = tensor;
  const element = known(tensor.type);
  const dims = [...tensor.dims];
  // Again, for neither `dims` nor the array of strings stands still.
  const size = sizeOf(dims);
  if (Array.isArray(data)) {
    const bad = data.findIndex((item: unknown) => typeof item !== "string");
    if (bad >= 0) throw invalid(`${what} is of strings, but element ${bad} is ${typeof data[bad]}`);
    if (data.length === size) return { dims, strings: data };
    throw invalid(`${what} has ${data.length} strings, but dims [${dims.join(", ")}]`);
  }
  const length = bytesFor(element, size);
  if (data.byteLength < length || size !== tensor.size) {
    throw invalid(`${what} has ${data.byteLength} bytes, but dims [${dims.join(", ")}] of ${tensor.type}`);
  }
  return { dtype: element.dtype, dims, bytes: new Uint8Array(data.buffer, data.byteOffset, length) };
};

/** The module's value as a tensor. */
export const fromValue = (value: ModuleValue): Tensor => {
  if ("strings" in value) return new Tensor("string", value.strings, value.dims);
  const { dtype, dims, bytes } = value;
  const element = elementTypeOf(dtype);
  if (!element) throw new EdgewiseError("internal", `the module gave a tensor of the unknown type ${dtype}`);
  const Class = element.array();
  const each = Class.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % each === 0 ? bytes : bytes.slice();
  return new Tensor(element.type, new Class(buffer, byteOffset, byteLength / each), dims);
};
