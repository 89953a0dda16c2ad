// The small floating-point formats: codes to numbers and back.
//
// What a reader would get wrong: they do not agree on what lies beyond their largest number. Those of 16 bits go on
// to infinity; those of 8 and 4 bits stop at the largest number, as ONNX's Cast does by default. Numbers go to the
// nearest value, ties to even, but for the powers of two of float8e8m0, which has no sign either and rounds up.
import type { TensorType } from "./types";

/** How a format lays out its bits. */
interface Format {
  readonly width: number;
  readonly mantissa: number;
  readonly bias: number;
  /** The code of the largest finite magnitude. */
  readonly max: number;
  readonly nan: number;
  /** Whether the code after `max` is infinity. */
  readonly infinite?: boolean;
}

const FORMATS = {
  float16: { width: 16, mantissa: 10, bias: 15, max: 0x7bff, nan: 0x7e00, infinite: true },
  bfloat16: { width: 16, mantissa: 7, bias: 127, max: 0x7f7f, nan: 0x7fc0, infinite: true },
  float8e4m3fn: { width: 8, mantissa: 3, bias: 7, max: 0x7e, nan: 0x7f },
  float8e4m3fnuz: { width: 8, mantissa: 3, bias: 8, max: 0x7f, nan: 0x80 },
  float8e5m2: { width: 8, mantissa: 2, bias: 15, max: 0x7b, nan: 0x7e, infinite: true },
  float8e5m2fnuz: { width: 8, mantissa: 2, bias: 16, max: 0x7f, nan: 0x80 },
  float8e8m0: { width: 8, mantissa: 0, bias: 127, max: 0xfe, nan: 0xff },
  float4e2m1: { width: 4, mantissa: 1, bias: 1, max: 7, nan: 8 },
} satisfies Partial<Record<TensorType, Format>>;

/** The types whose items are codes of such a format. */
export type Encoded = keyof typeof FORMATS;

export const isEncoded = (type: TensorType): type is Encoded => type in FORMATS;

/** The number that a code means. */
const number = (type: Encoded, code: number): number => {
  const { width, mantissa, bias, max, nan, infinite }: Format = FORMATS[type];
  if (code === nan && type !== "float4e2m1") return NaN;
  if (type === "float8e8m0") return 2 ** (code - bias);
  const half = 2 ** (width - 1);
  const sign = code & half ? -1 : 1;
  const magnitude = code & (half - 1);
  if (magnitude > max) return infinite && magnitude === max + 1 ? sign * Infinity : NaN;
  const exponent = magnitude >> mantissa;
  const units = magnitude - (exponent << mantissa) + (exponent > 0 ? 2 ** mantissa : 0);
  return sign * units * 2 ** (Math.max(exponent, 1) - bias - mantissa);
};

/** The whole number that is nearest, the even one of two. */
const nearest = (x: number): number => {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
};

/** The code of the value that is nearest to a number. */
const code = (type: Encoded, x: number): number => {
  const { width, mantissa, bias, max, nan, infinite }: Format = FORMATS[type];
  if (Number.isNaN(x)) return nan;
  const size = Math.min(Math.abs(x), Number.MAX_VALUE);
  if (type === "float8e8m0") return Math.min(Math.max(Math.ceil(Math.log2(size)) + bias, 0), max);
  // Beside a power of two the logarithm may be off by one, which rounds to the same value.
  const exponent = Math.max(Math.floor(Math.log2(size)), 1 - bias);
  // A carry out of the mantissa runs into the exponent by itself.
  const found = (exponent + bias - 1) * 2 ** mantissa + nearest(size / 2 ** (exponent - mantissa));
  const magnitude = found > max ? max + (infinite && width === 16 ? 1 : 0) : found;
  const negative = x < 0 || Object.is(x, -0);
  // Where the code of negative zero is NaN there is but one zero.
  if (!negative || (magnitude === 0 && nan === 0x80)) return magnitude;
  return magnitude + 2 ** (width - 1);
};

const tables = new Map<Encoded, Float32Array>();

/** The numbers of all codes. */
const table = (type: Encoded): Float32Array => {
  const all =
    tables.get(type) ??
    Float32Array.from({ length: 2 ** FORMATS[type].width }, (_, code) => number(type, code));
  tables.set(type, all);
  return all;
};

/** Codes as numbers, exact. */
export const decode = (type: Encoded, codes: ArrayLike<number>): Float32Array => {
  if (codes.length < 2 ** FORMATS[type].width) return Float32Array.from(codes, (code) => number(type, code));
  const all = table(type);
  const numbers = new Float32Array(codes.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = all[codes[i] ?? 0] ?? NaN;
  return numbers;
};

/** Numbers as codes, each rounded once; none of them is packed. */
export const encode = (type: Encoded, numbers: ArrayLike<number>): Uint8Array | Uint16Array => {
  const codes = FORMATS[type].width === 16 ? new Uint16Array(numbers.length) : new Uint8Array(numbers.length);
  for (let i = 0; i < codes.length; i++) codes[i] = code(type, Number(numbers[i]));
  return codes;
};
