// Elements as plain numbers, whatever they are stored as.
//
// What a reader would get wrong: where the elements are 32-bit floats already, this is the tensor's own array.
import { invalid, tagOf } from "./data";
import { decode, isEncoded } from "./half";
import { elementType } from "./types";
import type { TensorData, TensorType } from "./types";

/** What is needed of a tensor here: one whose data is on the CPU. */
export interface Elements {
  readonly type: TensorType;
  readonly data: TensorData;
  readonly size: number;
}

/** Packed elements, one to an item, the first one from the lowest bits of its byte. */
const unpack = (bytes: ArrayLike<number>, bits: number, size: number, signed: boolean) => {
  const items = signed ? new Int8Array(size) : new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const at = i * bits;
    // To the top, and back with its sign or with zeros.
    const top = (bytes[Math.floor(at / 8)] ?? 0) << (32 - bits - (at & 7));
    items[i] = signed ? top >> (32 - bits) : top >>> (32 - bits);
  }
  return items;
};

/** The elements as numbers: the tensor's own array where it holds numbers, new ones otherwise. */
export const numbersOf = ({ type, data, size }: Elements): ArrayLike<number> => {
  const bits = elementType(type)?.bits ?? 0;
  if (Array.isArray(data)) throw invalid("a tensor of strings has no numbers");
  if (tagOf(data).startsWith("Big")) return Float64Array.from(data as BigInt64Array, Number);
  const codes =
    bits < 8 ? unpack(data as Uint8Array, bits, size, type.startsWith("int")) : (data as Uint8Array);
  return isEncoded(type) && tagOf(data) !== "Float16Array" ? decode(type, codes) : codes;
};

/**
 * The elements of a tensor as 32-bit floats: halves and 8-bit floats as the numbers that they are, integers rounded
 * to the nearest float, complex numbers as their parts. Its own array where it is of float32.
 */
export const toFloat32Array = (tensor: Elements): Float32Array => {
  const numbers = numbersOf(tensor);
  return numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
};
