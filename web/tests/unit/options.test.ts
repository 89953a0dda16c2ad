import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { env, settings } from "../../ts/api/env";
import { settled } from "../../ts/api/options";

const told: string[] = [];
console.warn = (text: string) => void told.push(text);

afterEach(() => {
  Object.assign(env.wasm, { wasmPaths: undefined, wasmBinary: undefined });
  told.length = 0;
});

test("an empty list of providers is one that was left out", () => {
  assert.equal(settled({ executionProviders: [] }).device, "cpu");
  assert.equal(settled({}).device, "cpu");
  assert.throws(() => settled({ executionProviders: ["webnn"] }), { code: "unsupported" });
});

test("paths and bytes of onnxruntime-web's files are left aside, which is said", () => {
  const file = "https://cdn.example/x/ort-wasm-simd-threaded.asyncify";
  const given = ["https://cdn.example/onnxruntime-web@1.30.0/dist/", { mjs: `blob:x`, wasm: `${file}.wasm` }];
  for (const wasmPaths of given) {
    Object.assign(env.wasm, { wasmPaths, wasmBinary: new Uint8Array(8) });
    const { paths, binary } = settings();
    assert.deepEqual([paths, binary], [undefined, undefined]);
    assert.match(told.pop() ?? "", /wasmPaths/);
  }
});

test("paths of the page's own are where the files are looked for", () => {
  env.wasm.wasmPaths = "https://host.example/files";
  const { paths } = settings();
  assert.equal(paths?.("edgewise-simd.wasm").href, "https://host.example/files/edgewise-simd.wasm");
  assert.deepEqual(told, []);
});
