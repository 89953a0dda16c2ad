import assert from "node:assert/strict";
import { File } from "node:buffer";
import { test } from "node:test";
import { type ModelInput, openModel } from "../../ts/load/model";
import { ofBytes } from "../../ts/load/pieces";
import type { Progress } from "../../ts/load/progress";
import { all, bytes, serving, send } from "./load-server";

const model = bytes(100_000);
const stream = (...chunks: unknown[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk as Uint8Array);
      controller.close();
    },
  });

const shared = new Uint8Array(new SharedArrayBuffer(model.length));
shared.set(model);
const handle = {
  name: "kept.onnx",
  getFile: async () => new File([model], "kept.onnx"),
} as unknown as FileSystemFileHandle;
const url64 = `data:application/octet-stream;base64,${Buffer.from(model).toString("base64")}`;
const inputs: Record<string, [ModelInput, number | undefined]> = {
  "an ArrayBuffer": [model.buffer, model.length],
  "a SharedArrayBuffer": [shared.buffer, model.length],
  "a view": [new DataView(model.buffer), model.length],
  "a Blob": [new Blob([model]), model.length],
  "a File": [new File([model], "a.onnx") as Blob, model.length],
  "a file's handle": [handle, model.length],
  "a Response": [new Response(model), undefined],
  "the promise of a Response": [Promise.resolve(new Response(model)), undefined],
  "a stream of chunks": [stream(model.subarray(0, 10), new Uint8Array(), model.subarray(10)), undefined],
  "a data: URL": [url64, model.length],
  "a blob: URL": [URL.createObjectURL(new Blob([model])), model.length],
};

for (const [what, [input, length]] of Object.entries(inputs)) {
  test(`${what} is a model, piece by piece`, async () => {
    const told: Progress[] = [];
    const opened = await openModel(input, { progress: (progress) => told.push(progress) });
    assert.equal(opened.length, length);
    assert.deepEqual(await all(opened), Buffer.from(model));
    assert.equal(told.at(-1)?.loaded, model.length);
  });
}

test("a view of a part gives that part", async () => {
  const opened = await openModel(model.subarray(100, 300), { raw: true });
  assert.deepEqual(await all(opened, 64), Buffer.from(model.subarray(100, 300)));
});

test("nothing is an empty model, for others to refuse", async () => {
  assert.equal((await all(await openModel(new ArrayBuffer(0)))).length, 0);
});

test("a path and a file: URL go to who reads files, an address and a drive's letter do not mislead", async () => {
  const asked: string[] = [];
  const readFile = async (path: string | URL) => {
    asked.push(String(path));
    return { length: model.length, pieces: ofBytes(model) };
  };
  for (const path of [
    "model.onnx",
    "/a/model.onnx",
    "C:\\model.onnx",
    "file:///a.onnx",
    new URL("file:///b.onnx"),
  ]) {
    assert.equal((await openModel(path, { readFile })).length, model.length);
  }
  assert.equal(asked.length, 5);
  await serving(
    (q, r) => send(q, r, model),
    async (url) => void (await all(await openModel(url, { readFile }))),
  );
  assert.equal(asked.length, 5);
});

test("a file that is not there is not found, another failure is told as it is", async () => {
  const fails = (code: string) => async () => {
    throw Object.assign(new Error(code), { code });
  };
  await assert.rejects(openModel("a.onnx", { readFile: fails("ENOENT") }), {
    code: "not-found",
    message: /a\.onnx/,
  });
  await assert.rejects(openModel("a.onnx", { readFile: fails("EISDIR") }), { code: "io", message: /EISDIR/ });
});

test("what no model can be in is named", async () => {
  for (const [input, came] of [
    [undefined, /came undefined/],
    [null, /came null/],
    [5, /came number/],
    [{}, /came Object/],
    [[1, 2], /came Array/],
  ] as [ModelInput, RegExp][]) {
    await assert.rejects(openModel(input), { code: "invalid-input", message: came });
  }
});

test("a relative address needs a page", async () => {
  await assert.rejects(openModel("model.onnx"), { code: "invalid-input", message: /pass a whole URL/ });
  await assert.rejects(openModel("http://"), { code: "invalid-input" });
});

test("a response or a stream that was read already is refused", async () => {
  const response = new Response(model);
  await response.arrayBuffer();
  await assert.rejects(openModel(response), { code: "invalid-input", message: /clone/ });
  const locked = stream(model);
  locked.getReader();
  await assert.rejects(openModel(locked), { code: "invalid-input", message: /being read/ });
});

test("a response that failed is an error with its address", () =>
  serving(
    (_, r) => r.writeHead(404).end(),
    async (url) =>
      assert.rejects(openModel(fetch(url)), {
        code: "not-found",
        message: /model\.onnx: the server answered 404/,
      }),
  ));

test("a response that breaks says how to have the rest asked for", () =>
  serving(
    (q, r) => send(q, r, model, { most: 90_000 }),
    async (url) => assert.rejects(openModel(fetch(url)).then(all), { code: "io", message: /stopped coming/ }),
  ));

test("the promise of a response that fails, or that nobody keeps, ends", async () => {
  await assert.rejects(openModel(Promise.reject(new TypeError("no network"))), {
    code: "io",
    message: /no network/,
  });
  const never = new Promise<Response>(() => {});
  await assert.rejects(openModel(never, { timeout: 20 }), { code: "deadline-exceeded" });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(openModel(never, { signal: controller.signal }), { code: "cancelled" });
});

test("a stream of something else is refused, one that fails tells why", async () => {
  await assert.rejects(openModel(stream("text")), { code: "invalid-input", message: /gave a string/ });
  const failing = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("the disk is gone")),
  });
  await assert.rejects(openModel(failing), { code: "io", message: /the disk is gone/ });
});

test("a stream that gives nothing stalls, or is cancelled, and hears of it", async () => {
  const heard: unknown[] = [];
  const silent = () => new ReadableStream<Uint8Array>({ cancel: (reason) => void heard.push(reason) });
  await assert.rejects(openModel(silent(), { timeout: 20 }), { code: "deadline-exceeded" });
  const controller = new AbortController();
  setTimeout(() => controller.abort("enough"), 20);
  await assert.rejects(openModel(silent(), { signal: controller.signal }), {
    code: "cancelled",
    cause: "enough",
  });
  assert.equal(heard.length, 2);
  assert.equal(heard[1], "enough");
});

test("a web page and the pointer of Git LFS are told from a model, wherever they are", async () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
  await assert.rejects(openModel(encode("<!doctype html>")), { code: "invalid-model", message: /web page/ });
  await assert.rejects(openModel(new Blob([pointer])), { code: "invalid-model", message: /git lfs pull/ });
});

test("large chunks come in parts, unless they are kept", async () => {
  const lengths = async (kept: boolean) => {
    const { pieces } = await openModel(stream(model.subarray(0, 10), model), { kept });
    const made: number[] = [];
    for (let piece = await pieces.read(40_000); piece; piece = await pieces.read(40_000))
      made.push(piece.length);
    return made;
  };
  assert.deepEqual(await lengths(false), [10, 40_000, 40_000, 20_000]);
  assert.deepEqual(await lengths(true), [10, 100_000]);
});
