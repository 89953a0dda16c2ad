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
  new EdgewiseError("invalid-input", message, { cause });

/** The error for what this browser, or this package, does not have. */
export const unsupported = (message: string): EdgewiseError => new EdgewiseError("unsupported", message);

/** The name of what a value is, in every realm: `Float32Array`, `ImageData`, `Undefined`. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** A value as messages show it. */
export const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "number" ? String(value) : tagOf(value);
};

/** A whole number that is not too small. */
export const whole = (value: unknown, least: number, what: string): number => {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw invalid(`${what} must be a whole number from ${least} on, not ${show(value)}`);
};

/** One of several words. */
export const oneOf = <T extends string>(value: unknown, words: readonly T[], what: string): T => {
  const found = words.find((word) => word === value);
  if (found) return found;
  throw invalid(`${what} must be one of ${words.join(", ")}, not ${show(value)}`);
};

/** The row of a type that a caller names. */
export const known = (type: unknown): ElementType => {
  const element = elementType(type);
  if (element) return element;
  throw invalid(`there is no tensor type ${show(type)}: types have ONNX's names, such as "float32"`);
};

/** Whether a value is an array of a class with that name. */
const isA = (value: unknown, name: string): value is TypedArray =>
  (ArrayBuffer.isView(value) || Array.isArray(value)) && tagOf(value) === name;

/** The elements from plain numbers, booleans or bigints. */
const fromNumbers = (element: ElementType, items: readonly unknown[]): TypedArray => {
  const { type, bits } = element;
  const Class = element.array();
  if (bits < 8) {
    throw invalid(
      `a tensor of ${type} is not made of numbers: pack ${8 / bits} in each byte of a ${Class.name}`,
    );
  }
  try {
    // A Float16Array rounds by itself; bits have to be made.
    if (isEncoded(type) && Class.name !== "Float16Array") return encode(type, items as readonly number[]);
    return type === "int64" || type === "uint64" ? Class.from(items, BigInt) : Class.from(items);
  } catch (error) {
    throw invalid(`the data does not fit a tensor of ${type}: ${String(error)}`, error);
  }
};

/** What holds the elements of a tensor of that type. */
export const dataFor = (element: ElementType, data: unknown): TensorData => {
  const { type } = element;
  const Class = element.array();
  if (data instanceof Class || isA(data, Class.name)) return data;
  if (Array.isArray(data)) return fromNumbers(element, data);
  if (type === "uint8" && isA(data, "Uint8ClampedArray")) return Uint8Array.from(data as Uint8Array);
  if (type === "int4" && isA(data, "Int8Array")) return data;
  if (type === "float16" && isA(data, "Uint16Array")) {
    return new Class(data.buffer, data.byteOffset, data.length);
  }
  throw invalid(`a tensor of ${type} holds its elements in a ${Class.name}, not in ${show(data)}`);
};

/** The type that data means by itself. */
export const typeOf = (data: unknown): TensorType => {
  const tag = tagOf(data);
  const isArray = Array.isArray(data);
  const first: unknown = isArray ? data[0] : undefined;
  if (typeof first === "string") return "string";
  if (typeof first === "boolean") return "bool";
  if (isA(data, "Uint8ClampedArray")) return "uint8";
  const found = !isArray && ELEMENT_TYPES.find((row) => isA(data, row.array().name));
  if (found) return found.type;
  const what = isArray ? `an array whose first item is ${show(first)}` : tag;
  throw invalid(`${what} does not say the type of a tensor: name it, as in new Tensor("float32", data)`);
};

/** How many elements there are by the dimensions. */
export const sizeOf = (dims: unknown): number => {
  if (!Array.isArray(dims)) throw invalid(`dims must be an array of numbers, not ${show(dims)}`);
  const size = Array.from(dims).reduce<number>((size, dim, axis) => size * whole(dim, 0, `dims[${axis}]`), 1);
  return whole(size, 0, "the product of dims");
};

/** Throws where data is not as long as its dimensions say. */
export const checkLength = (element: ElementType, size: number, length: number): void => {
  const { type } = element;
  const expected = lengthFor(element, size);
  // A byte for each element is allowed for 4-bit integers: the half of it that is not needed is left alone.
  const spare = (type === "int4" || type === "uint4") && length === size;
  if (length === expected || spare) return;
  throw invalid(`${size} elements of ${type} take ${expected} items of data, but it has ${length}`);
};
