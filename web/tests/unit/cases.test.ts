import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../cases/compare";
import { kindsOf } from "../cases/kinds";
import { valueOf } from "../cases/values";
import { fields } from "../cases/wire";
import { Tensor } from "../../ts/tensor/tensor";
import type { OnnxValue } from "../../ts/tensor/values";

const TIGHT = { relative: 1e-3, absolute: 1e-7 };
const TENSOR = { kind: "tensor" } as const;

const int = (field: number, ...values: number[]): number[] => values.flatMap((n) => [field << 3, n]);
const held = (field: number, bytes: readonly number[]): number[] => [
  (field << 3) | 2,
  bytes.length,
  ...bytes,
];
const tensorOf = (...parts: number[][]): Tensor => valueOf(Uint8Array.from(parts.flat()), TENSOR) as Tensor;

test("elements come raw, packed into a field, or a field for each", () => {
  const raw = tensorOf(int(1, 2), int(2, 3), held(9, [1, 255]));
  const packed = tensorOf(int(1, 2), int(2, 3), held(5, [1, 0xff, ...Array<number>(8).fill(0xff), 1]));
  const each = tensorOf(int(1, 2), int(2, 3), int(5, 1), [5 << 3, 0xff, ...Array<number>(8).fill(0xff), 1]);
  for (const { type, data, dims } of [raw, packed, each]) {
    deepEqual([type, [...data], dims], ["int8", [1, -1], [2]]);
  }
});

test("halves and packed integers lie in the low bits of integers", () => {
  equal(
    difference(
      new Tensor("float16", [1], [1]) as Tensor,
      tensorOf(int(1, 1), int(2, 10), [5 << 3, 0x80, 0x78]),
      TIGHT,
    ),
    undefined,
  );
  deepEqual([...tensorOf(int(1, 3), int(2, 22), int(5, 0x21, 0x03)).data], [0x21, 0x03]);
});

test("strings and tensors without elements are read", () => {
  deepEqual(tensorOf(int(1, 1), int(2, 8), held(6, [0xc3, 0xa4])).data, ["ä"]);
  const empty = tensorOf(int(1, 0), int(2, 7));
  deepEqual([empty.type, empty.dims, empty.size], ["int64", [0], 0]);
});

test("sequences and optionals are read by the kinds that the model says", () => {
  // A model whose graph has the input "x", an optional sequence of tensors.
  const type = held(9, held(1, held(4, held(1, held(1, int(1, 1))))));
  const model = held(7, held(11, [...held(1, [120]), ...held(2, type)]));
  const kind = kindsOf(Uint8Array.from(model)).get("x") ?? TENSOR;
  deepEqual(kind, { kind: "optional", of: { kind: "sequence", of: TENSOR } });
  deepEqual(valueOf(new Uint8Array(), kind), null);
  const sequence = held(5, held(3, [...int(1, 1), ...int(2, 3), ...held(9, [7])]));
  const [item] = valueOf(Uint8Array.from(sequence), kind) as Tensor[];
  deepEqual([...(item?.data ?? [])], [7]);
});

test("broken messages are refused, and say how", () => {
  const read = (...bytes: number[]) => [...fields(Uint8Array.from(bytes))];
  throws(() => read(8), /ends within a number/);
  throws(() => read(...Array<number>(11).fill(0xff)), /more than 10 bytes/);
  throws(() => read(0x4a, 5, 1), /field 9 ends behind its message/);
  throws(() => read(0x0b), /unknown wire type 3/);
  throws(() => tensorOf(int(2, 99)), /no element type 99/);
});

test("floats agree within the tolerance, NaN with NaN, and infinity with itself alone", () => {
  const floats = (...items: number[]) => new Tensor("float32", items) as Tensor;
  const same = (a: number, b: number) => difference(floats(a), floats(b), TIGHT) === undefined;
  deepEqual(
    [same(1, 1.0005), same(NaN, NaN), same(Infinity, Infinity), same(0, -0)],
    [true, true, true, true],
  );
  deepEqual(
    [same(1, 1.01), same(NaN, 1), same(1, NaN), same(Infinity, 5), same(5, Infinity)],
    Array(5).fill(false),
  );
});

test("integers and strings must be equal, beyond what a double can tell apart, unless a step is allowed", () => {
  const longs = (n: bigint) => new Tensor("int64", [n], [1]) as Tensor;
  match(
    difference(longs(2n ** 60n), longs(2n ** 60n + 1n), TIGHT) ?? "",
    /1 of 1 elements of int64\[1\] differ/,
  );
  const bytes = (n: number) => new Tensor("uint8", [n], [1]) as Tensor;
  match(difference(bytes(7), bytes(8), TIGHT) ?? "", /first at 0: expected 7, got 8/);
  equal(difference(bytes(7), bytes(8), { relative: 0, absolute: 1 }), undefined);
  const text = (s: string) => new Tensor("string", [s], [1]) as Tensor;
  match(difference(text("1"), text("1.0"), { relative: 1, absolute: 9 }) ?? "", /expected 1, got 1.0/);
});

test("values of another kind, type or shape differ", () => {
  const one: OnnxValue = new Tensor("uint8", [1], [1]) as Tensor;
  equal(difference(one, new Tensor("int8", [1], [1]) as Tensor, TIGHT), "expected uint8[1], got int8[1]");
  equal(difference(one, one.reshape([1, 1]) as Tensor, TIGHT), "expected uint8[1], got uint8[1, 1]");
  equal(difference(null, one, TIGHT), "expected null, got uint8[1]");
  equal(difference([one], [], TIGHT), "expected a sequence of 1, got a sequence of 0");
});
