// Where a value differs from what was expected, by the rules of the native runner.
//
// What a reader would get wrong: integers, booleans and strings must be equal, unless the absolute tolerance is 1 or
// more, which is a step of quantization. NaN equals NaN.
import { toFloat32Array } from "edgewise";
import type { OnnxValue, Tensor } from "edgewise";

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

type Items = ArrayLike<number> | ArrayLike<bigint> | readonly string[];

const isTensor = (value: OnnxValue): value is Tensor => value !== null && "dims" in value;

const shown = (value: OnnxValue): string => {
  if (value === null) return "null";
  if (isTensor(value)) return `${value.type}[${value.dims.join(", ")}]`;
  return Array.isArray(value) ? `a sequence of ${value.length}` : "a map";
};

/** What differs, in words; undefined where nothing does. */
export const difference = (expected: OnnxValue, got: OnnxValue, tolerance: Tolerance): string | undefined => {
  if (expected === null && got === null) return undefined;
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    const items = expected.map((item: OnnxValue, i) => difference(item, got[i] as OnnxValue, tolerance));
    return items.find((what) => what !== undefined);
  }
  if (isTensor(expected) && isTensor(got) && shown(expected) === shown(got)) {
    return differing(expected, got, tolerance);
  }
  return `expected ${shown(expected)}, got ${shown(got)}`;
};

const differing = (expected: Tensor, got: Tensor, tolerance: Tolerance): string | undefined => {
  const [a, b] = [items(expected), items(got)];
  const same = agreement(expected.type, tolerance);
  const wrong = Array.from(a as ArrayLike<unknown>, (item, i) => [item, b[i], i] as const).filter(
    ([item, other]) => item !== other && !same(Number(item), Number(other)),
  );
  const [first] = wrong;
  if (!first) return undefined;
  const where = `first at ${first[2]}: expected ${String(first[0])}, got ${String(first[1])}`;
  return `${wrong.length} of ${a.length} elements of ${shown(expected)} differ; ${where}`;
};

/** Elements that can be told apart: integers and doubles as they are, all others as the numbers that they mean. */
const items = (tensor: Tensor): Items => {
  const asTheyAre = /^(u?int(8|16|32|64)|bool|string|float64|complex128)$/.test(tensor.type);
  return asTheyAre ? (tensor.data as Items) : toFloat32Array(tensor);
};

/** Whether two elements that are not equal agree. */
const agreement = (type: Tensor.Type, { relative, absolute }: Tolerance) => {
  const exact = type === "string" || (!/float|complex/.test(type) && absolute < 1);
  return (a: number, b: number): boolean => {
    if (exact || Number.isNaN(a) || Number.isNaN(b)) return !exact && Number.isNaN(a) && Number.isNaN(b);
    // Beside infinity every tolerance would do.
    return Number.isFinite(a) && Math.abs(a - b) <= absolute + relative * Math.abs(a);
  };
};
