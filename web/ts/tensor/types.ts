// The element types: their names in JavaScript, their names in the module, and the typed arrays that hold them.
//
// What a reader would get wrong: elements are not always items of the array. Those of 2 and 4 bits are packed, the
// first one in the lowest bits, and complex ones take two items each. And float16 lies in a Float16Array only where
// the engine has it; elsewhere in a Uint16Array, as bits.

/** What holds the elements of each type. */
export interface DataTypeMap {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  /** A Float16Array at run time where there is such a class. */
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  /** Two elements in each byte. Bytes may come as either class; results are a Uint8Array. */
  int4: Int8Array | Uint8Array;
  uint4: Uint8Array;
  bfloat16: Uint16Array;
  float8e4m3fn: Uint8Array;
  float8e4m3fnuz: Uint8Array;
  float8e5m2: Uint8Array;
  float8e5m2fnuz: Uint8Array;
  float8e8m0: Uint8Array;
  float4e2m1: Uint8Array;
  int2: Uint8Array;
  uint2: Uint8Array;
  /** The real part, the imaginary part, and so on. */
  complex64: Float32Array;
  complex128: Float64Array;
}

/** The name of an element type. */
export type TensorType = keyof DataTypeMap;

/** What holds elements, of whichever type. */
export type TensorData = DataTypeMap[TensorType];

/** What holds elements that lie in bytes: all but strings. */
export type TypedArray = Exclude<TensorData, string[]>;

/** A class of typed arrays. */
export interface ArrayClass {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  from(items: ArrayLike<unknown>, map?: (item: never) => unknown): TypedArray;
}

/** One row of the table. */
export interface ElementType {
  readonly type: TensorType;
  /** What the module calls it. */
  readonly dtype: string;
  /** Of one element; 0 for strings, which have no bytes. */
  readonly bits: number;
  readonly array: () => ArrayClass;
}

const row = (type: TensorType, dtype: string, bits: number, array: unknown): ElementType => ({
  type,
  dtype,
  bits,
  // Looked up late: a page may bring a Float16Array of its own.
  array: () => (array ?? Reflect.get(globalThis, "Float16Array") ?? Uint16Array) as ArrayClass,
});

/** Every type, in the order of ONNX's numbers. Where two share a class, the first one is what an array means. */
export const ELEMENT_TYPES: readonly ElementType[] = [
  row("float32", "f32", 32, Float32Array),
  row("uint8", "u8", 8, Uint8Array),
  row("int8", "i8", 8, Int8Array),
  row("uint16", "u16", 16, Uint16Array),
  row("int16", "i16", 16, Int16Array),
  row("int32", "i32", 32, Int32Array),
  row("int64", "i64", 64, BigInt64Array),
  row("string", "string", 0, Array),
  row("bool", "bool", 8, Uint8Array),
  row("float16", "f16", 16, undefined),
  row("float64", "f64", 64, Float64Array),
  row("uint32", "u32", 32, Uint32Array),
  row("uint64", "u64", 64, BigUint64Array),
  row("complex64", "complex64", 64, Float32Array),
  row("complex128", "complex128", 128, Float64Array),
  row("bfloat16", "bf16", 16, Uint16Array),
  row("float8e4m3fn", "f8e4m3fn", 8, Uint8Array),
  row("float8e4m3fnuz", "f8e4m3fnuz", 8, Uint8Array),
  row("float8e5m2", "f8e5m2", 8, Uint8Array),
  row("float8e5m2fnuz", "f8e5m2fnuz", 8, Uint8Array),
  row("uint4", "u4", 4, Uint8Array),
  row("int4", "i4", 4, Uint8Array),
  row("float4e2m1", "f4e2m1", 4, Uint8Array),
  row("float8e8m0", "f8e8m0", 8, Uint8Array),
  row("uint2", "u2", 2, Uint8Array),
  row("int2", "i2", 2, Uint8Array),
];

const by = (key: "type" | "dtype"): ReadonlyMap<unknown, ElementType> =>
  new Map(ELEMENT_TYPES.map((row) => [row[key], row]));

const byType = /* @__PURE__ */ by("type");
const byDtype = /* @__PURE__ */ by("dtype");

/** The row of a type by its name in JavaScript. */
export const elementType = (type: unknown): ElementType | undefined => byType.get(type);

/** The row of a type by its name in the module. */
export const elementTypeOf = (dtype: string): ElementType | undefined => byDtype.get(dtype);

/** Bytes that so many elements take; the last byte is filled up. */
export const bytesFor = ({ bits }: ElementType, size: number): number => Math.ceil((size * bits) / 8);

/** Items of the typed array that so many elements take. */
export const lengthFor = (element: ElementType, size: number): number =>
  element.bits === 0 ? size : bytesFor(element, size) / element.array().BYTES_PER_ELEMENT;
