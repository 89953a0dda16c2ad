// Tensors to the module and back, of every type; and what callers may give as a tensor or a value.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { Tensor as Theirs } from "onnxruntime-common";
import { fromValue, toValue } from "../../ts/tensor/convert";
import type { ModuleValue } from "../../ts/tensor/convert";
import { asTensor, placed } from "../../ts/tensor/make";
import { placeOf } from "../../ts/tensor/place";
import { Tensor } from "../../ts/tensor/tensor";
import { ELEMENT_TYPES, bytesFor, elementType, elementTypeOf, lengthFor } from "../../ts/tensor/types";
import { asValue } from "../../ts/tensor/values";

const bytesOf = (value: ModuleValue): Uint8Array => ("bytes" in value ? value.bytes : assert.fail("strings"));

test("the table has the 26 types of ONNX, each found by both of its names", () => {
  const names =
    "f32 u8 i8 u16 i16 i32 i64 string bool f16 f64 u32 u64 complex64 complex128 bf16 " +
    "f8e4m3fn f8e4m3fnuz f8e5m2 f8e5m2fnuz u4 i4 f4e2m1 f8e8m0 u2 i2";
  assert.equal(ELEMENT_TYPES.map(({ dtype }) => dtype).join(" "), names);
  for (const row of ELEMENT_TYPES) {
    assert.equal(elementType(row.type), row);
    assert.equal(elementTypeOf(row.dtype), row);
  }
  assert.equal(elementType("f32"), undefined);
  assert.equal(elementType("__proto__"), undefined);
  assert.equal(elementTypeOf("float32"), undefined);
});

test("every type goes to the module without a copy and comes back", () => {
  for (const element of ELEMENT_TYPES.filter(({ bits }) => bits > 0)) {
    const { type, dtype } = element;
    for (const dims of [[], [3], [2, 3], [5, 0], [7]]) {
      const size = dims.reduce((a, b) => a * b, 1);
      // The array starts in the middle of its buffer.
      const Class = element.array();
      const data = new Class(new ArrayBuffer(256), 32, lengthFor(element, size));
      new Uint8Array(data.buffer, 32, data.byteLength).forEach((_, i, bytes) => (bytes[i] = 7 * i + 1));
      const tensor = new Tensor(type, data, dims);
      const value = toValue(tensor);
      const bytes = bytesOf(value);
      assert.deepEqual([value.dims, "dtype" in value && value.dtype], [dims, dtype]);
      assert.deepEqual(
        [bytes.buffer, bytes.byteOffset, bytes.length],
        [data.buffer, 32, bytesFor(element, size)],
      );
      const back = fromValue(value);
      assert.deepEqual([back.type, back.dims, back.data], [type, dims, data]);
      assert.equal((back.data as Uint8Array).buffer, data.buffer);
    }
  }
});

test("bytes that start where an array cannot are copied, and no others", () => {
  const buffer = new Uint8Array(64).map((_, i) => i);
  for (const { dtype, bits } of ELEMENT_TYPES.filter(({ bits }) => bits >= 8)) {
    for (let at = 0; at < 9; at++) {
      const bytes = buffer.subarray(at, at + bits / 8);
      const { data } = fromValue({ dtype, dims: [1], bytes });
      const held = data as Uint8Array;
      assert.deepEqual(new Uint8Array(held.buffer, held.byteOffset, held.byteLength), bytes);
      assert.equal(held.buffer === buffer.buffer, at % held.BYTES_PER_ELEMENT === 0, `${dtype} at ${at}`);
    }
  }
});

test("strings are the strings", () => {
  const strings = ["a", "", "ß𝄞"];
  const tensor = new Tensor("string", strings, [3, 1]);
  assert.deepEqual(toValue(tensor), { dims: [3, 1], strings });
  assert.deepEqual(fromValue({ dims: [3, 1], strings }).data, strings);
  const bad = new Tensor("string", ["a", 5, undefined] as string[]);
  assert.throws(() => toValue(bad), /element 1 of a tensor of strings is 5/);
  const missing = new Tensor("string", ["a", undefined] as string[]);
  assert.throws(() => toValue(missing), /element 1 of a tensor of strings is Undefined/);
  strings.pop();
  assert.throws(() => toValue(tensor), { code: "invalid-input" });
});

test("4-bit integers with a byte each give the bytes that are needed, as onnxruntime-common takes them", () => {
  const tensor = new Tensor("uint4", new Uint8Array([0x21, 0x43, 0xff, 0xff]));
  assert.deepEqual(tensor.dims, [4]);
  assert.deepEqual(bytesOf(toValue(tensor)), new Uint8Array([0x21, 0x43]));
});

test("packed types beyond those of onnxruntime-common say their dims", () => {
  for (const type of ["int2", "uint2", "float4e2m1"] as const) {
    assert.throws(() => new Tensor(type, new Uint8Array(2)), /needs dims/);
    assert.throws(() => new Tensor(type, new Uint8Array(2), [2]), { code: "invalid-input" });
  }
  assert.equal(new Tensor("int2", new Uint8Array(2), [5]).size, 5);
  assert.deepEqual(new Tensor("complex64", new Float32Array(6)).dims, [3]);
  assert.throws(() => new Tensor("complex64", new Float32Array(5)), { code: "invalid-input" });
});

test("dims that were set to something else are found out before the module reads them", () => {
  const tensor = new Tensor(new Float32Array(4));
  for (const dims of [[5], [2, 3], [-1], [2 ** 40], ["4"], null]) {
    Reflect.set(tensor, "dims", dims);
    assert.throws(() => toValue(tensor), JSON.stringify(dims));
  }
  Reflect.set(tensor, "dims", [2, 2]);
  assert.deepEqual(toValue(tensor).dims, [2, 2]);
});

test("values of the module that do not fit themselves are errors", () => {
  const bytes = new Uint8Array(5);
  assert.throws(() => fromValue({ dtype: "f33", dims: [1], bytes }), { code: "internal" });
  assert.throws(() => fromValue({ dtype: "f32", dims: [2], bytes }), { code: "invalid-input" });
});

test("a tensor is what looks like one", async () => {
  const data = new Float32Array([1, 2]);
  const own = new Tensor(data);
  assert.equal(asTensor(own, "x"), own);
  const like = [
    new Theirs("float32", data, [1, 2]),
    { type: "float32", data, dims: [1, 2] },
    { type: "float32", data, dims: [1, 2], location: "cpu" },
    Theirs.fromPinnedBuffer("float32", data, [1, 2]),
    runInNewContext(`({ type: "float32", data: new Float32Array([1, 2]), dims: [1, 2] })`),
  ];
  for (const value of like) {
    const tensor = asTensor(value, "x");
    assert.ok(tensor instanceof Tensor);
    assert.deepEqual(
      [tensor.type, [...tensor.dims], [...(tensor.data as Float32Array)]],
      ["float32", [1, 2], [1, 2]],
    );
  }
  const gpuBuffer = { size: 8 } as GPUBuffer;
  const far = Theirs.fromGpuBuffer(gpuBuffer, { dims: [2], download: async () => data });
  const adopted = asTensor(far, "x");
  assert.equal(adopted.gpuBuffer, gpuBuffer);
  assert.equal(await adopted.getData(), data);
  const fromTexture = asTensor(Theirs.fromTexture({}, { width: 1, height: 1 }), "x");
  assert.equal(fromTexture.location, "texture");
});

test("what is no tensor is refused with the name of what it was given for", () => {
  const refuse = (value: unknown, message: RegExp, code = "invalid-input") =>
    assert.throws(() => asTensor(value, 'input "x"'), { code, message });
  refuse(undefined, /^input "x" must be a Tensor, not Undefined: new Tensor/);
  refuse(null, /not Null/);
  refuse(new Float32Array(1), /not Float32Array/);
  refuse([1, 2], /not Array/);
  refuse(
    { type: "float32", dims: [1] },
    /^input "x": a tensor of float32 holds its elements in a Float32Array/,
  );
  refuse(
    { type: "float32", dims: [3], data: new Float32Array(2) },
    /^input "x": 3 elements of float32 take 3/,
  );
  refuse({ type: "f32", dims: [2], data: new Float32Array(2) }, /^input "x": there is no tensor type "f32"/);
  refuse(Theirs.fromMLTensor({} as never, { dims: [1] }), /^input "x": tensors of WebNN/, "unsupported");
  const gone = new Theirs(["a"]);
  gone.dispose();
  refuse(gone, /^input "x": the tensor was disposed/, "disposed");
});

test("sequences are arrays, optionals may be null, maps are maps", () => {
  const like = { type: "string", data: ["a"], dims: [1] };
  const value = asValue([like, null, [like]], "x");
  assert.ok(Array.isArray(value) && value[0] instanceof Tensor && value[1] === null);
  const map = new Map([[1n, 0.5]]);
  assert.equal(asValue(map, "x"), map);
  assert.throws(
    () => asValue([like, [5]], 'input "x"'),
    /^EdgewiseError: input "x"\[1\]\[0\] must be a Tensor, not 5/,
  );
  const endless: unknown[] = [];
  endless.push(endless);
  assert.throws(() => asValue(endless, "x"), { code: "invalid-input" });
});

test("a tensor in the module is read at once, and only once", () => {
  const log: string[] = [];
  const data = new Float32Array([1, 2]);
  const make = () =>
    placed("float32", [2], {
      location: "cpu",
      handle: 7,
      read: () => (log.push("read"), data),
      dispose: () => log.push("dispose"),
    });
  const tensor = make();
  assert.equal(tensor.location, "cpu");
  assert.equal(placeOf(tensor as Tensor)?.handle, 7);
  assert.equal(tensor.data, data);
  assert.equal(tensor.data, data);
  // What a caller writes to the array is what counts from here on.
  assert.equal(placeOf(tensor as Tensor), undefined);
  tensor.dispose();
  assert.deepEqual(log, ["read", "dispose"]);
  make().dispose();
  assert.deepEqual(log, ["read", "dispose", "dispose"]);
  assert.deepEqual(make().reshape([2, 1]).dims, [2, 1]);
});

test("a tensor on the GPU keeps its place until its data is in an array", async () => {
  let gone = 0;
  const place = {
    location: "gpu-buffer",
    handle: {},
    download: async () => new Uint8Array(3),
    dispose: () => void gone++,
  };
  const make = () => placed("uint8", [3], place as never) as Tensor;
  const tensor = make();
  assert.equal(placeOf(tensor)?.handle, place.handle);
  assert.throws(() => tensor.gpuBuffer, /not in a GPUBuffer of this thread/);
  assert.throws(() => tensor.reshape([3, 1]), { code: "invalid-input" });
  await tensor.getData();
  assert.equal(placeOf(tensor), undefined);
  assert.equal(gone, 0);
  tensor.dispose();
  assert.equal(gone, 1);
  assert.equal(placeOf(tensor), undefined);
  assert.throws(() => placed("float33" as never, [3], place as never), { code: "invalid-input" });
});
