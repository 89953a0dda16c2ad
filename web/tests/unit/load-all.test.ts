import assert from "node:assert/strict";
import { test } from "node:test";
import { openAll } from "../../ts/load/all";
import type { Progress } from "../../ts/load/progress";
import { all, bytes, send, serving } from "./load-server";

const model = bytes(100_000);
const weights = bytes(300_000, 2);

test("several files come in their order, with one progress", () =>
  serving(
    (q, r) => send(q, r, q.url?.endsWith("model.onnx") ? model : weights),
    async (url) => {
      const told: Progress[] = [];
      const progress = (progress: Progress) => void told.push(progress);
      const files = [
        { input: url },
        { input: `${url}_data`, raw: true, length: 300_000 },
        { input: weights, raw: true },
      ];
      const came: Uint8Array[] = [];
      for await (const opened of openAll(files, { progress })) came.push(await all(opened));
      assert.deepEqual(
        came,
        [model, weights, weights].map((bytes) => Buffer.from(bytes)),
      );
      assert.deepEqual(told.at(-1), { stage: "read", loaded: 700_000, total: 700_000 });
      assert.ok(told.every(({ loaded }, i) => loaded >= (told[i - 1]?.loaded ?? 0)));
    },
  ));

test("the next file is asked for while the last one is read, the one behind it is not", () =>
  serving(
    (q, r) => send(q, r, model),
    async (url, asked) => {
      for await (const opened of openAll([1, 2, 3, 4].map((i) => ({ input: `${url}?${i}` })))) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        assert.ok(asked.length <= Number(opened.name.at(-1)) + 1);
        await all(opened);
      }
      assert.equal(asked.length, 4);
    },
  ));

test("files that are all opened before one is read are all there", () =>
  serving(
    (q, r) => send(q, r, weights),
    async (url) => {
      const opened = [];
      for await (const file of openAll([1, 2, 3, 4, 5, 6, 7, 8].map((i) => ({ input: `${url}?${i}` }))))
        opened.push(file);
      for (const file of opened) assert.deepEqual(await all(file), Buffer.from(weights));
    },
  ));

test("leaving the loop cancels what is open, also the file that was ahead", () =>
  serving(
    (q, r) => {
      r.writeHead(200, { "Content-Length": "1000000" }).write(model);
      r.on("close", () => closed.push(q.url ?? ""));
    },
    async (url) => {
      for await (const { pieces } of openAll([{ input: `${url}?1` }, { input: `${url}?2` }])) {
        await pieces.read(1000);
        break;
      }
      for (let i = 0; i < 100 && closed.length < 2; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(closed.length, 2);
    },
  ));
const closed: string[] = [];

test("a file that is missing is an error when its turn comes", () =>
  serving(
    (q, r) => (q.url?.endsWith("2") ? r.writeHead(404).end() : send(q, r, model)),
    async (url) => {
      let came = 0;
      const loads = async () => {
        for await (const opened of openAll([{ input: `${url}?1` }, { input: `${url}?2` }]))
          came += (await all(opened)).length;
      };
      await assert.rejects(loads(), { code: "not-found" });
      assert.equal(came, model.length);
    },
  ));

test("no files are no files", async () => {
  for await (const opened of openAll([])) assert.fail(opened.name);
});
