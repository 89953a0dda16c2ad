// Small floats: every code of every format against a second reading of its definition.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../../ts/tensor/half";
import type { Encoded } from "../../ts/tensor/half";
import { numbersOf, toFloat32Array } from "../../ts/tensor/numbers";
import { Tensor } from "../../ts/tensor/tensor";

const all = (bits: number): number[] => Array.from({ length: 2 ** bits }, (_, code) => code);

/** A half by way of the bits of a 32-bit float, subnormal ones by counting their units. */
const half = (code: number): number => {
  const sign = code & 0x8000 ? -1 : 1;
  const exponent = (code >> 10) & 31;
  const fraction = code & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  const bits = ((code & 0x8000) << 16) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  return new Float32Array(new Int32Array([bits]).buffer)[0] ?? NaN;
};

const brain = (code: number): number => new Float32Array(new Uint32Array([code * 65536]).buffer)[0] ?? NaN;

test("all 65,536 halves are the numbers that they are", () => {
  const codes = all(16);
  decode("float16", codes).forEach((number, code) =>
    assert.ok(Object.is(number, half(code)), `${code}: ${number}`),
  );
  decode("bfloat16", codes).forEach((number, code) =>
    assert.ok(Object.is(number, brain(code)), `${code}: ${number}`),
  );
});

test("all numbers of all formats become their codes again", () => {
  const widths = {
    float16: 16,
    bfloat16: 16,
    float8e4m3fn: 8,
    float8e4m3fnuz: 8,
    float8e5m2: 8,
    float8e5m2fnuz: 8,
    float8e8m0: 8,
    float4e2m1: 4,
  };
  for (const [type, width] of Object.entries(widths) as [Encoded, number][]) {
    const numbers = decode(type, all(width));
    encode(type, numbers).forEach((back, code) => {
      const number = numbers[code] ?? 0;
      // One NaN stands for all, and floats of 8 and 4 bits stop before infinity.
      if (Number.isNaN(number) || (width < 16 && !Number.isFinite(number))) return;
      assert.equal(back, code, `${type}: ${code} is ${number}`);
    });
    // A few at a time take another way than all at once.
    all(width).forEach((code) =>
      assert.ok(Object.is(decode(type, [code])[0], numbers[code]), `${type}: ${code}`),
    );
  }
});

test("between two numbers it is the nearest, ties go to the even code", () => {
  for (const type of ["float16", "bfloat16", "float8e4m3fn", "float8e5m2fnuz", "float4e2m1"] as const) {
    const positive = type === "float4e2m1" ? all(3) : all(type.endsWith("float16") ? 15 : 7);
    const numbers = decode(type, positive);
    for (let code = 0; code + 1 < positive.length; code++) {
      const [low = NaN, high = NaN] = [numbers[code], numbers[code + 1]];
      if (!Number.isFinite(low + high)) break;
      const middle = (low + high) / 2;
      const step = (high - low) / 1024;
      const even = code % 2 === 0 ? code : code + 1;
      const found = encode(type, [middle - step, middle, middle + step]);
      assert.deepEqual([...found], [code, even, code + 1], `${type}: between ${low} and ${high}`);
    }
  }
});

test("limits are those of the formats", () => {
  const number = (type: Encoded, x: number) => decode(type, encode(type, [x]))[0];
  assert.equal(number("float16", 65519.99), 65504);
  assert.equal(number("float16", 65520), Infinity);
  assert.equal(number("float16", -1e300), -Infinity);
  assert.equal(number("float16", 2 ** -25), 0);
  assert.equal(number("float16", 2 ** -25 * 1.001), 2 ** -24);
  assert.equal(number("bfloat16", 3.4e38), Infinity);
  assert.equal(number("float8e4m3fn", 1e6), 448);
  assert.equal(number("float8e4m3fnuz", Infinity), 240);
  assert.equal(number("float8e5m2", -Infinity), -57344);
  assert.equal(number("float8e5m2fnuz", 1e6), 57344);
  assert.equal(number("float4e2m1", -100), -6);
  assert.ok(Object.is(number("float8e4m3fnuz", -0), 0));
  assert.ok(Object.is(number("float8e4m3fnuz", -1e-9), 0));
  assert.ok(Object.is(number("float8e4m3fn", -0), -0));
  for (const type of ["float16", "bfloat16", "float8e4m3fn", "float8e5m2fnuz", "float8e8m0"] as const) {
    assert.equal(number(type, NaN), NaN, type);
  }
  assert.deepEqual(
    [0, 1, 1.25, -2, 1e300].map((x) => number("float8e8m0", x)),
    [2 ** -127, 1, 2, 2, 2 ** 127],
  );
});

test("toFloat32Array reads every type, packed ones from the lowest bits on", () => {
  const floats = (type: Tensor.Type, data: Tensor.DataType | number[], dims: number[]) => [
    ...toFloat32Array(new Tensor(type, data, dims)),
  ];
  const bytes = new Uint8Array([0x21, 0xf8, 0x07]);
  assert.deepEqual(floats("uint4", bytes, [5]), [1, 2, 8, 15, 7]);
  assert.deepEqual(floats("int4", bytes, [5]), [1, 2, -8, -1, 7]);
  assert.deepEqual(floats("uint2", new Uint8Array([0b11100100, 2]), [5]), [0, 1, 2, 3, 2]);
  assert.deepEqual(floats("int2", new Uint8Array([0b11100100, 2]), [5]), [0, 1, -2, -1, -2]);
  assert.deepEqual(floats("float4e2m1", bytes, [5]), [0.5, 1, -0, -6, 6]);
  assert.deepEqual(floats("float16", [1, -2.5], [2]), [1, -2.5]);
  assert.deepEqual(floats("bfloat16", [1, -2.5], [2]), [1, -2.5]);
  assert.deepEqual(floats("float8e4m3fn", [1, -2.5], [2]), [1, -2.5]);
  assert.deepEqual(floats("int64", [1, -2], [2]), [1, -2]);
  assert.deepEqual(floats("uint64", [1, 2], [2]), [1, 2]);
  assert.deepEqual(floats("bool", [1, 0], [2]), [1, 0]);
  assert.deepEqual(floats("complex64", new Float32Array([1, 2, 3, 4]), [2]), [1, 2, 3, 4]);
  const own = new Float32Array(2);
  assert.equal(toFloat32Array(new Tensor(own)), own);
  assert.ok(numbersOf(new Tensor(new Float64Array([0.1])))[0] === 0.1);
  assert.throws(() => toFloat32Array(new Tensor(["1"])), { code: "invalid-input" });
});
