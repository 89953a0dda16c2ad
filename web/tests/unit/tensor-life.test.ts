// Where tensors lie and what becomes of them: what can be done with a tensor in each state, side by side with
// onnxruntime-common's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tensor as Theirs } from "onnxruntime-common";
import { EdgewiseError } from "../../ts/errors";
import { Tensor } from "../../ts/tensor/tensor";

const both = [
  { name: "ours", Class: Tensor as unknown as typeof Theirs },
  { name: "theirs", Class: Theirs },
];

const construct = (Class: typeof Theirs, params: object): Theirs =>
  Reflect.construct(Class, [params]) as Theirs;

/** What a step gives, or that it failed. */
const outcome = async (step: () => unknown): Promise<unknown> => {
  try {
    return await step();
  } catch {
    return "refused";
  }
};

const steps: Record<string, (tensor: Theirs) => unknown> = {
  location: (tensor) => tensor.location,
  data: (tensor) => tensor.data,
  texture: (tensor) => tensor.texture,
  gpuBuffer: (tensor) => tensor.gpuBuffer,
  mlTensor: (tensor) => tensor.mlTensor,
  getData: (tensor) => tensor.getData(),
  release: (tensor) => tensor.getData(true),
  reshape: (tensor) => {
    const { dims, type, size, location } = tensor.reshape([4, 1]);
    return { dims, type, size, location };
  },
  dispose: (tensor) => tensor.dispose(),
};

const data = new Float32Array([1, 2, 3, 4]);
const texture = { a: "texture" };
const gpuBuffer = { size: 16 };
const made: Record<string, (Class: typeof Theirs) => Theirs> = {
  "on the CPU": (Class) => new Class("float32", data, [2, 2]),
  pinned: (Class) => construct(Class, { location: "cpu-pinned", type: "float32", data, dims: [2, 2] }),
  "pinned by the factory": (Class) => Class.fromPinnedBuffer("float32", data),
  "in a texture": (Class) =>
    construct(Class, { location: "texture", type: "float32", texture, dims: [2, 2] }),
  "in a texture by the factory": (Class) => Class.fromTexture(texture, { width: 1, height: 1 }),
  "in a buffer": (Class) => Class.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [2, 2] }),
  "in a buffer that can be brought": (Class) =>
    Class.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [2, 2], download: async () => data }),
  "in a buffer that is owned": (Class) =>
    Class.fromGpuBuffer(gpuBuffer as GPUBuffer, {
      dims: [2, 2],
      download: async () => data,
      dispose: () => {},
    }),
  "in a buffer that cannot be brought but let go": (Class) =>
    Class.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [2, 2], dispose: () => {} }),
  "in a buffer that fails to be brought": (Class) =>
    Class.fromGpuBuffer(gpuBuffer as GPUBuffer, {
      dims: [2, 2],
      download: () => Promise.reject(new Error("lost")),
    }),
};

test("every three steps on every tensor do what they do in onnxruntime-common", async () => {
  const names = Object.keys(steps);
  for (const [where, make] of Object.entries(made)) {
    for (const path of names.flatMap((a) => names.flatMap((b) => names.map((c) => [a, b, c])))) {
      // The buffer is gone once it was let go; there it is still given out.
      if (path.slice(path.indexOf("release")).includes("gpuBuffer") && where.includes("owned")) continue;
      const run = async (Class: typeof Theirs) => {
        const tensor = make(Class);
        const seen = [tensor.type, tensor.dims, tensor.size];
        for (const name of path) seen.push((await outcome(() => steps[name]?.(tensor))) as never);
        return seen;
      };
      assert.deepEqual(
        await run(Tensor as unknown as typeof Theirs),
        await run(Theirs),
        `${where}: ${path.join()}`,
      );
    }
  }
});

test("every wrong form with a location is refused as by onnxruntime-common", () => {
  const dims = [2, 2];
  const forms: object[] = [
    { location: "none", type: "float32", data, dims },
    { location: "nowhere", type: "float32", data, dims },
    { location: undefined, type: "float32", data, dims },
    { location: "cpu-pinned", type: "string", data: ["a"], dims: [1] },
    { location: "cpu-pinned", type: "float64", data, dims },
    { location: "cpu-pinned", type: "float32", data, dims: [3] },
    { location: "cpu-pinned", type: "float32", data, dims: [-4] },
    { location: "cpu-pinned", type: "float32", dims },
    { location: "texture", type: "int32", texture, dims },
    { location: "texture", type: "float32", texture },
    { location: "gpu-buffer", type: "string", gpuBuffer, dims },
    { location: "gpu-buffer", type: "float33", gpuBuffer, dims },
    { location: "gpu-buffer", type: "float32", gpuBuffer, dims: [1.5] },
    { location: "gpu-buffer", type: "float32", gpuBuffer },
  ];
  for (const form of forms) {
    assert.throws(() => construct(Theirs, form));
    assert.throws(() => construct(Tensor as never, form), { code: "invalid-input" }, JSON.stringify(form));
  }
});

test("forms that differ from onnxruntime-common do so for a reason", () => {
  // A plain location of data is a location too.
  assert.equal(
    construct(Tensor as never, { location: "cpu", type: "float32", data, dims: [4] }).location,
    "cpu",
  );
  // All types of fixed size may lie on the GPU.
  assert.equal(Tensor.fromGpuBuffer(gpuBuffer as GPUBuffer, { dataType: "int8", dims: [16] }).size, 16);
  // A tensor of nothing, or of more than the buffer has, would fail much later.
  assert.throws(() => Tensor.fromGpuBuffer(undefined as never, { dims: [1] }), /Undefined is no gpu-buffer/);
  assert.throws(() => Tensor.fromTexture(null as never, { width: 1, height: 1 }), /Null is no texture/);
  assert.throws(() => Tensor.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [5] }), /take 20 bytes.*has 16/);
  // WebNN's tensors are not there.
  assert.throws(() => Tensor.fromMLTensor({} as never, { dims: [1] }), { code: "unsupported" });
});

test("a reshape keeps the number of elements, on the GPU too", () => {
  const tensors = [
    new Tensor(data),
    new Tensor("uint4", new Uint8Array(2), [4]),
    Tensor.fromGpuBuffer({ size: 99 } as GPUBuffer, { dims: [4] }),
    Tensor.fromTexture(texture as never, { width: 1, height: 1 }),
  ];
  for (const tensor of tensors) {
    for (const dims of [[5], [3], [2, 3], [], [-4], [2.5], ["4"], undefined, null]) {
      assert.throws(() => tensor.reshape(dims as number[]), { code: "invalid-input" }, String(dims));
    }
    assert.deepEqual(tensor.reshape([2, 2]).dims, [2, 2]);
  }
});

test("a second getData while the first is on its way is refused, and so is dispose", async () => {
  for (const { name, Class } of both) {
    let arrive = (_: Float32Array): void => {};
    const download = () => new Promise<Float32Array>((resolve) => (arrive = resolve));
    const tensor = Class.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [4], download });
    const first = tensor.getData();
    await assert.rejects(tensor.getData(), name);
    assert.throws(() => tensor.dispose(), name);
    arrive(data);
    assert.equal(await first, data);
    assert.equal(await tensor.getData(), data);
    tensor.dispose();
    assert.equal(tensor.location, "none");
  }
  const tensor = Tensor.fromGpuBuffer(gpuBuffer as GPUBuffer, {
    dims: [4],
    download: () => new Promise(() => {}),
  });
  void tensor.getData();
  await assert.rejects(tensor.getData(), { code: "busy" });
});

test("what is brought is let go once: when asked for, or when disposed", async () => {
  for (const { name, Class } of both) {
    let gone = 0;
    const options = { dims: [4], download: async () => data, dispose: () => void gone++ };
    const make = () => Class.fromGpuBuffer(gpuBuffer as GPUBuffer, options);
    const kept = make();
    await kept.getData();
    assert.equal(gone, 0, name);
    kept.dispose();
    kept.dispose();
    assert.equal(gone, 1, name);
    const released = make();
    await released.getData(true);
    assert.equal(gone, 2, name);
    released.dispose();
    assert.equal(gone, 2, name);
  }
});

test("a download that fails may be tried again", async () => {
  for (const { Class } of both) {
    let tries = 0;
    const download = async () => {
      if (tries++ === 0) throw new Error("not yet");
      return data;
    };
    const tensor = Class.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [4], download });
    await assert.rejects(tensor.getData(), /not yet/);
    assert.equal(tensor.location, "gpu-buffer");
    assert.equal(await tensor.getData(), data);
  }
});

test("a download that brings something else is an error, and nothing is let go", async () => {
  let gone = false;
  const options = { dims: [5], download: async () => data, dispose: () => void (gone = true) };
  const tensor = Tensor.fromGpuBuffer({ size: 20 } as GPUBuffer, options);
  await assert.rejects(tensor.getData(true), { code: "invalid-input" });
  assert.equal(tensor.location, "gpu-buffer");
  assert.equal(gone, false);
});

test("a disposed tensor says so", async () => {
  const tensor = new Tensor(data);
  tensor[Symbol.dispose]();
  for (const step of [() => tensor.data, () => tensor.reshape([4]), () => tensor.gpuBuffer]) {
    assert.throws(step, { code: "disposed" });
  }
  await assert.rejects(tensor.getData(), { code: "disposed" });
  assert.deepEqual([tensor.type, tensor.dims, tensor.size], ["float32", [4], 4]);
});

test("errors of a tensor on the GPU say what to do", async () => {
  const tensor = Tensor.fromGpuBuffer(gpuBuffer as GPUBuffer, { dims: [4] });
  assert.throws(() => tensor.data, /gpu-buffer, not in an array: await its getData\(\)/);
  assert.throws(() => tensor.texture, /gpu-buffer, not in a WebGL texture/);
  await assert.rejects(tensor.getData(), (error: EdgewiseError) => {
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /without a download function/);
    return true;
  });
});

test("a tensor lives in a proxy, and its dims can be set, as front ends do", () => {
  const tensor = new Proxy(new Tensor(data), {});
  assert.equal(tensor.data, data);
  assert.deepEqual(tensor.reshape([2, 2]).dims, [2, 2]);
  Reflect.set(tensor, "dims", [1, 4]);
  assert.deepEqual(tensor.dims, [1, 4]);
});
