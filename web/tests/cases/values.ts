// The values of ONNX's test data: TensorProto, SequenceProto and OptionalProto, as the package's callers have them.
//
// What a reader would get wrong: elements without a field of their own type are integers of `int32_data`, where halves
// are bits and elements of 4 and 2 bits share a byte.
import { Tensor } from "edgewise";
import type { OnnxValue } from "edgewise";
import type { Kind } from "./kinds";
import { type Field, fields, held, integers, joined } from "./wire";

/** By ONNX's numbers, of which the first is 1. */
const TYPES: readonly Tensor.Type[] = [
  ...(["float32", "uint8", "int8", "uint16", "int16", "int32", "int64"] as const),
  ...(["string", "bool", "float16"] as const),
  ...(["float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"] as const),
  ...(["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"] as const),
  ...(["uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"] as const),
];

/** What holds the elements of a type; those that are not here lie in bytes. */
const ARRAYS = {
  float32: Float32Array,
  complex64: Float32Array,
  float64: Float64Array,
  complex128: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

const arrayOf = (type: Tensor.Type) => (type in ARRAYS ? ARRAYS[type as keyof typeof ARRAYS] : Uint8Array);

const DIMS = 1;
const TYPE = 2;
const FLOATS = 4;
const STRINGS = 6;
const RAW = 9;
const DOUBLES = 10;
/** `int32_data`, `int64_data`, `uint64_data`. */
const INTEGERS = [5, 7, 11];

const numbers = (all: readonly Field[], ...of: number[]): bigint[] =>
  all.filter(({ number }) => of.includes(number)).flatMap(integers);

/** By a TensorProto. */
const tensor = (message: Uint8Array): Tensor => {
  const all = [...fields(message)];
  const [code = 0n] = numbers(all, TYPE);
  const type = TYPES[Number(code) - 1];
  if (!type) throw new Error(`there is no element type ${code}`);
  return new Tensor(type, elements(type, all), numbers(all, DIMS).map(Number)) as Tensor;
};

const elements = (type: Tensor.Type, all: readonly Field[]): Tensor.DataType => {
  if (type === "string") {
    const strings = all.filter(({ number }) => number === STRINGS);
    return strings.map((field) => new TextDecoder().decode(held(field)));
  }
  const Class = arrayOf(type);
  const whole = [RAW, FLOATS, DOUBLES].map((number) => joined(all, number)).find(({ length }) => length > 0);
  return new Class((whole ?? lowest(numbers(all, ...INTEGERS), Class.BYTES_PER_ELEMENT)).buffer);
};

/** So many of the lowest bytes of each integer. */
const lowest = (all: readonly bigint[], width: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(BigUint64Array.from(all).buffer);
  return bytes.filter((_, i) => i % 8 < width);
};

/** Which fields of a SequenceProto and of an OptionalProto hold a tensor, a sequence, an optional. */
const ITEMS = [3, 5, 7];

/** The value that a file holds, where the model has something of that kind. */
export const valueOf = (message: Uint8Array, kind: Kind): OnnxValue => {
  if (kind.kind === "tensor") return tensor(message);
  if (kind.kind === "unknown") throw new Error("the model has neither tensor, sequence nor optional there");
  const { of } = kind;
  const items = [...fields(message)].filter(({ number }) => ITEMS.includes(number));
  const values = items.map((field) => valueOf(held(field), of));
  return kind.kind === "sequence" ? values : (values[0] ?? null);
};
