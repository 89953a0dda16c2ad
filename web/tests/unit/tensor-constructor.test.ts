// What onnxruntime-common's Tensor accepts and refuses, and what it makes of it, is what ours does: every call of the
// table is made on both. Calls that differ are named with the reason.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tensor as Theirs } from "onnxruntime-common";
import { EdgewiseError } from "../../ts/errors";
import { Tensor } from "../../ts/tensor/tensor";

type Make = (...args: unknown[]) => Tensor;
const ours: Make = (...args) => Reflect.construct(Tensor, args) as Tensor;
const theirs: Make = (...args) => Reflect.construct(Theirs, args) as Tensor;

const attempt = (make: Make, args: unknown[]) => {
  try {
    const { type, dims, size, location } = make(...args);
    return { type, dims, size, location };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

const arrays = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  uint4: Uint8Array,
  int4: Uint8Array,
};

const classes = [...new Set([...Object.values(arrays), Uint8ClampedArray])];
const data: unknown[] = [
  ...classes.flatMap((Class) => [new Class(0), new Class(6), new Class(new ArrayBuffer(32), 8, 2)]),
  [],
  [1, 2, 3, 4, 5, 6],
  [1.5, -1, NaN, Infinity, 300, 2 ** 40],
  [1n, 2n, -3n, 4n, 2n ** 63n, 6n],
  [true, false, true, true, false, false],
  ["a", "b", "c", "", "e", "f"],
  ["1", "2", "x", "", "e", "f"],
  [undefined, 1],
  [{}, null],
  [Symbol("a")],
  [1, 2n],
  new ArrayBuffer(24),
  new DataView(new ArrayBuffer(24)),
  new Set([1, 2, 3]),
  { length: 6 },
  "abcdef",
  6,
  6n,
  null,
  undefined,
  () => 6,
];
const dims: unknown[] = [
  undefined,
  [6],
  [2, 3],
  [0],
  [],
  [1],
  [2],
  [12],
  [11],
  [3, 0],
  [2, -3],
  [-2, -3],
  [1.5, 4],
  [NaN],
  [Infinity],
  ["6"],
  [6n],
  [undefined],
  [[6]],
  [2 ** 53],
  [6, -0],
  "6",
  6,
  null,
  {},
  new Int32Array([6]),
];
const types = [
  ...Object.keys(arrays),
  "string",
  "float",
  "Float32",
  "",
  "constructor",
  "toString",
  "complex",
  "f32",
];

/** Calls that may differ, and why. */
const reasons: [reason: string, applies: (args: unknown[]) => boolean][] = [
  [
    "float16 is made of numbers in every engine, not only in those that have a Float16Array",
    ([type, data]) => type === "float16" && Array.isArray(data),
  ],
  [
    "int4 may come as an Int8Array, which the types of onnxruntime-common ask for and its constructor refuses",
    ([type, data]) => type === "int4" && data instanceof Int8Array,
  ],
];

const same = (args: unknown[]): void => {
  const [mine, other] = [attempt(ours, args), attempt(theirs, args)];
  const call = `new Tensor(${args.map((arg) => describe(arg)).join(", ")})`;
  if (mine instanceof Error) {
    assert.ok(mine instanceof EdgewiseError, `${call}: ${String(mine)}`);
    assert.ok(other instanceof Error, `${call} is refused: ${mine.message}`);
    return;
  }
  assert.ok(!(other instanceof Error), `${call} is accepted, onnxruntime-common says: ${String(other)}`);
  assert.deepEqual(mine, other, call);
  const [held, expected] = [ours(...args).data, theirs(...args).data];
  assert.equal(held.constructor, expected.constructor, call);
  assert.deepEqual(held, expected, call);
  const given = args.find((arg) => arg === expected);
  if (given !== undefined) assert.equal(held, given, `${call} copies`);
};

const describe = (value: unknown): string => {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (Array.isArray(value)) return `[${value.map(describe).join(", ")}]`;
  return typeof value === "object" && value ? value.constructor.name : String(value);
};

test("every type with every data and dims does what onnxruntime-common does", () => {
  let calls = 0;
  for (const type of types) {
    for (const given of data) {
      for (const shape of dims) {
        const args = [type, given, shape];
        if (reasons.some(([, applies]) => applies(args))) continue;
        same(args);
        calls++;
      }
    }
  }
  assert.ok(calls > 20_000, `${calls} calls`);
});

test("data without a type means the type that onnxruntime-common gives it", () => {
  for (const given of data.filter((given) => typeof given !== "string")) {
    for (const shape of dims) same([given, shape]);
    same([given]);
  }
  same([]);
});

test("calls that differ from onnxruntime-common do so for a reason", () => {
  const halves = ours("float16", [1, -2, 65504, 1e6]);
  assert.deepEqual(halves.data, new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x7c00]));
  assert.throws(() => theirs("float16", [1]));
  const nibbles = new Int8Array(3);
  assert.equal(ours("int4", nibbles, [6]).data, nibbles);
  assert.throws(() => theirs("int4", nibbles, [6]));
  // Arrays are known by what they are and not by their class, which a subclass or another realm has of its own.
  assert.equal(ours(Buffer.from("abc")).type, "uint8");
  assert.throws(() => theirs(Buffer.from("abc")));
});

test("dims are copied, so that what the caller does to them later changes nothing", () => {
  const dims = [2, 3];
  const tensor = new Tensor(new Float32Array(6), dims);
  dims.push(4);
  assert.deepEqual(tensor.dims, [2, 3]);
});

test("errors say what was expected, what came and what to do", () => {
  const message = (...args: unknown[]) => (attempt(ours, args) as Error).message;
  assert.match(message("float", []), /no tensor type "float".*such as "float32"/);
  assert.match(
    message("float32", new Float64Array(1)),
    /float32 holds its elements in a Float32Array, not in Float64Array/,
  );
  assert.match(
    message("float32", new Float32Array(5), [2, 3]),
    /6 elements of float32 take 6 items of data, but it has 5/,
  );
  assert.match(message([]), /first item is Undefined does not say the type/);
  assert.match(message(new Float32Array(1), [-1]), /dims\[0\] must be a whole number from 0 on, not -1/);
  assert.match(message("int64", [1.5]), /does not fit a tensor of int64/);
  assert.match(message("uint4", [1, 2], [2]), /pack 2 in each byte of a Uint8Array/);
});
