// What callers give as a tensor's elements, as the array that holds them.
//
// What a reader would get wrong: arrays are known by their tag and not by `instanceof`, so those of a frame or of a
// test's sandbox count as well; and what fits is held as it is, never copied.
import { EdgewiseError } from "../errors";
import { encode, isEncoded } from "./half";
import { ELEMENT_TYPES, elementType, lengthFor } from "./types";
import type { ElementType, TensorData, TensorType, TypedArray } from "./types";

/** The error for an argument that is not what it must be. */
export const invalid = (message: string, cause?: unknown): EdgewiseError =>
  new EdgewiseError("invalid-input", message, cause === undefined ? {} : { cause });

/** The name of what a value is, in every realm: `Float32Array`, `ImageData`, `Undefined`. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** A value as messages show it. */
export const show = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "number"
      ? String(value)
      : tagOf(value);

/** The row of a type that a caller names. */
export const known = (type: unknown): ElementType => {
  const element = elementType(type);
  if (element) return element;
  throw invalid(`there is no tensor type ${show(type)}: types have ONNX's names, such as "float32"`);
};

/** Whether a value is a typed array of a class with that name. */
const isArrayOf = (value: unknown, name: string): value is TypedArray =>
  ArrayBuffer.isView(value) && tagOf(value) === name;

/** The elements from plain numbers, booleans or bigints. */
const fromNumbers = (element: ElementType, items: readonly unknown[]): TypedArray => {
  const { type, bits } = element;
  const Class = element.array();
  if (bits < 8) {
    throw invalid(
      `a tensor of ${type} cannot be made of numbers: pack ${8 / bits} of them in each byte of a ${Class.name}`,
    );
  }
  try {
    // A Float16Array rounds by itself; bits have to be made.
    if (isEncoded(type) && Class.name !== "Float16Array") return encode(type, items as readonly number[]);
    return type === "int64" || type === "uint64" ? Class.from(items, BigInt) : Class.from(items);
  } catch (error) {
    throw invalid(`the numbers given for a tensor of ${type} do not all fit it: ${String(error)}`, error);
  }
};

/** What holds the elements of a tensor of that type. */
export const dataFor = (element: ElementType, data: unknown): TensorData => {
  const { type } = element;
  const Class = element.array();
  if (type === "string") {
    if (Array.isArray(data)) return data as string[];
    throw invalid(`a tensor of strings is made of an array of strings, not of ${tagOf(data)}`);
  }
  if (Array.isArray(data)) return fromNumbers(element, data);
  if (data instanceof Class || isArrayOf(data, Class.name)) return data as TypedArray;
  if (type === "uint8" && data instanceof Uint8ClampedArray) return Uint8Array.from(data);
  if (type === "int4" && isArrayOf(data, "Int8Array")) return data;
  if (type === "float16" && isArrayOf(data, "Uint16Array")) {
    return new Class(data.buffer, data.byteOffset, data.length);
  }
  throw invalid(`a tensor of ${type} holds its elements in a ${Class.name}, not in ${tagOf(data)}`);
};

/** The type that data means by itself. */
export const typeOf = (data: unknown): TensorType => {
  if (Array.isArray(data)) {
    const first: unknown = data[0];
    if (typeof first === "string") return "string";
    if (typeof first === "boolean") return "bool";
    const what = data.length === 0 ? "an empty array" : `an array of ${typeof first}`;
    throw invalid(`${what} does not say the type of a tensor: name it, as in new Tensor("float32", data)`);
  }
  const tag = tagOf(data);
  if (tag === "Uint8ClampedArray") return "uint8";
  const found = ArrayBuffer.isView(data) && ELEMENT_TYPES.find((row) => row.array().name === tag);
  if (found) return found.type;
  throw invalid(`a tensor is made of a typed array, of strings or of booleans, not of ${tag}`);
};

/** How many elements there are by the dimensions. */
export const sizeOf = (dims: ArrayLike<unknown>): number => {
  const size = Array.from(dims).reduce<number>((size, dim, axis) => {
    if (!Number.isSafeInteger(dim) || (dim as number) < 0) {
      throw invalid(`dims[${axis}] must be a whole number from 0 on, not ${String(dim)}`);
    }
    return size * (dim as number);
  }, 1);
  if (Number.isSafeInteger(size)) return size;
  throw invalid(`dims [${Array.from(dims).join(", ")}] make more elements than can be counted`);
};

/** Throws where data is not as long as its dimensions say. */
export const checkLength = (element: ElementType, size: number, length: number): void => {
  const expected = lengthFor(element, size);
  // A byte for each element is allowed for 4-bit integers: the half of it that is not needed is left alone.
  const spare = (element.type === "int4" || element.type === "uint4") && length === size;
  if (length === expected || spare) return;
  throw invalid(`${size} elements of ${element.type} take ${expected} items of data, but it has ${length}`);
};
