// The small floating-point formats: codes to numbers and back.
//
// What a reader would get wrong: they do not agree on what lies beyond their largest number. Those of 16 bits go on
// to infinity; those of 8 and 4 bits stop at the largest number, as ONNX's Cast does by default. Numbers go to the
// nearest value, ties to even, but for the powers of two of float8e8m0, which has no sign either and rounds up.
import type { TensorType } from "./types";

/** How a format lays out its bits, and the codes of its largest finite magnitude and of NaN. */
type Format = readonly [width: number, mantissa: number, bias: number, max: number, nan: number];

const FORMATS = {
  float16: [16, 10, 15, 0x7bff, 0x7e00],
  bfloat16: [16, 7, 127, 0x7f7f, 0x7fc0],
  float8e4m3fn: [8, 3, 7, 0x7e, 0x7f],
  float8e4m3fnuz: [8, 3, 8, 0x7f, 0x80],
  float8e5m2: [8, 2, 15, 0x7b, 0x7e],
  float8e5m2fnuz: [8, 2, 16, 0x7f, 0x80],
  float8e8m0: [8, 0, 127, 0xfe, 0xff],
  // It has no NaN: what is none becomes negative zero.
  float4e2m1: [4, 1, 1, 7, 8],
} satisfies Partial<Record<TensorType, Format>>;

/** The types whose items are codes of such a format. */
export type Encoded = keyof typeof FORMATS;

export const isEncoded = (type: TensorType): type is Encoded => type in FORMATS;

const formatOf = (type: Encoded): Format => FORMATS[type];

/** The number that a code means. */
const number = (type: Encoded, code: number): number => {
  const [width, mantissa, bias, max, nan] = formatOf(type);
  if (code === nan && width > 4) return NaN;
  if (mantissa === 0) return 2 ** (code - bias);
  const half = 2 ** (width - 1);
  const sign = code < half ? 1 : -1;
  const magnitude = code % half;
  // Where there is something between the largest number and NaN, it is infinity.
  if (magnitude > max) return magnitude === max + 1 && magnitude !== nan ? sign * Infinity : NaN;
  const exponent = magnitude >> mantissa;
  const units = magnitude - (Math.max(exponent - 1, 0) << mantissa);
  return sign * units * 2 ** (Math.max(exponent, 1) - bias - mantissa);
};

/** The whole number that is nearest, the even one of two: beside 2 ** 52 there is no room for fractions. */
const nearest = (x: number): number => x + 2 ** 52 - 2 ** 52;

/** The code of the value that is nearest to a number. */
const code = (type: Encoded, x: number): number => {
  const [width, mantissa, bias, max, nan] = formatOf(type);
  if (Number.isNaN(x)) return nan;
  const size = Math.min(Math.abs(x), Number.MAX_VALUE);
  if (mantissa === 0) return Math.min(Math.max(Math.ceil(Math.log2(size)) + bias, 0), max);
  // Beside a power of two the logarithm may be off by one, which rounds to the same value.
  const exponent = Math.max(Math.floor(Math.log2(size)), 1 - bias);
  // A carry out of the mantissa runs into the exponent by itself.
  const found = (exponent + bias - 1) * 2 ** mantissa + nearest(size / 2 ** (exponent - mantissa));
  const magnitude = Math.min(found, width === 16 ? max + 1 : max);
  const negative = x < 0 || Object.is(x, -0);
  // Where the code of negative zero is NaN there is but one zero.
  return magnitude + (negative && !(magnitude === 0 && nan === 0x80) ? 2 ** (width - 1) : 0);
};

const tables = new Map<Encoded, Float32Array>();

/** The numbers of all codes. */
const table = (type: Encoded): Float32Array => {
  const all =
    tables.get(type) ??
    Float32Array.from({ length: 2 ** formatOf(type)[0] }, (_, code) => number(type, code));
  tables.set(type, all);
  return all;
};

/** Codes as numbers, exact. */
export const decode = (type: Encoded, codes: ArrayLike<number>): Float32Array => {
  if (codes.length < 2 ** formatOf(type)[0]) return Float32Array.from(codes, (code) => number(type, code));
  const all = table(type);
  const numbers = new Float32Array(codes.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = all[codes[i] ?? 0] ?? NaN;
  return numbers;
};

/** Numbers as codes, each rounded once; none of them is packed. */
export const encode = (type: Encoded, numbers: ArrayLike<number>): Uint8Array | Uint16Array => {
  const codes = formatOf(type)[0] === 16 ? new Uint16Array(numbers.length) : new Uint8Array(numbers.length);
  for (let i = 0; i < codes.length; i++) codes[i] = code(type, Number(numbers[i]));
  return codes;
};
