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
const unpack = (bytes: ArrayLike<number>, bits: number, size: number): Uint8Array => {
  const each = 8 / bits;
  return Uint8Array.from({ length: size }, (_, i) => {
    const byte = bytes[Math.floor(i / each)] ?? 0;
    return (byte >> ((i % each) * bits)) & (2 ** bits - 1);
  });
};

/** The elements as numbers: the tensor's own array where it holds numbers, new ones otherwise. */
export const numbersOf = ({ type, data, size }: Elements): ArrayLike<number> => {
  const bits = elementType(type)?.bits ?? 0;
  if (Array.isArray(data)) {
    throw invalid("a tensor of strings has no numbers");
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  const codes = bits < 8 ? unpack(data, bits, size) : data;
  if (isEncoded(type) && tagOf(data) !== "Float16Array") return decode(type, codes);
  // What has the sign bit is below zero.
  const signed = type === "int2" || type === "int4";
  return signed ? Int8Array.from(codes, (code) => (code << (32 - bits)) >> (32 - bits)) : codes;
};

/**
 * The elements of a tensor as 32-bit floats: halves and 8-bit floats as the numbers that they are, integers rounded
 * to the nearest float, complex numbers as their parts. Its own array where it is of float32.
 */
export const toFloat32Array = (tensor: Elements): Float32Array => {
  const numbers = numbersOf(tensor);
  return numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
};
