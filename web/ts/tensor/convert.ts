// Tensors to and from what the module takes and gives: bytes with a type and dimensions, or strings.
//
// What a reader would get wrong: nothing is copied where that can be helped. `toValue` gives a view of the tensor's
// own array, and `fromValue` keeps the bytes it is given, unless they start where such an array cannot.
import { EdgewiseError } from "../errors";
import { checkLength, invalid, known, show, sizeOf } from "./data";
import { Tensor } from "./tensor";
import { bytesFor, elementTypeOf } from "./types";

/** A tensor as the module has it. */
export type ModuleValue =
  | { readonly dtype: string; readonly dims: readonly number[]; readonly bytes: Uint8Array }
  | { readonly dims: readonly number[]; readonly strings: string[] };

/** The module's value of a tensor whose elements are on the CPU. */
export const toValue = (tensor: Tensor): ModuleValue => {
  const { data } = tensor;
  const element = known(tensor.type);
  const dims = [...tensor.dims];
  // Checked again, for neither dims nor an array of strings stand still.
  const size = sizeOf(dims);
  checkLength(element, size, data.length);
  if (!Array.isArray(data)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, bytesFor(element, size));
    return { dtype: element.dtype, dims, bytes };
  }
  const bad = data.findIndex((item: unknown) => typeof item !== "string");
  if (bad < 0) return { dims, strings: data };
  throw invalid(`element ${bad} of a tensor of strings is ${show(data[bad])}`);
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
