import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hashOf } from "../../ts/load/integrity";
import { openModel } from "../../ts/load/model";
import { all, bytes, send, serving } from "./load-server";

const model = bytes(300_000);
const digest = createHash("sha256").update(model);
const hash = digest.copy().digest("hex");
const sri = `sha256-${digest.digest("base64")}`;

test("a hash is written as in integrity attributes, or in hexadecimal digits", () => {
  assert.equal(hashOf(sri), hash);
  assert.equal(hashOf(sri.slice(0, -1)), hash);
  assert.equal(hashOf(` ${hash.toUpperCase()} `), hash);
  for (const wrong of [
    "",
    "sha256-",
    "sha384-" + "a".repeat(64),
    hash.slice(1),
    `${hash}0`,
    "sha256-" + "?".repeat(43),
  ]) {
    assert.throws(() => hashOf(wrong), { code: "invalid-input", message: /no SHA-256/ });
  }
});

test("the right bytes come whole, from anywhere", () =>
  serving(
    (q, r) => send(q, r, model, { most: 200_000 }),
    async (url) => {
      for (const input of [url, model, new Blob([model]), new Response(model)]) {
        assert.deepEqual(await all(await openModel(input, { integrity: sri })), Buffer.from(model));
      }
    },
  ));

test("nobody gets all of the wrong bytes, and the error names both hashes", async () => {
  const wrong = model.slice();
  wrong[299_999] = (wrong[299_999] ?? 0) ^ 1;
  const came = createHash("sha256").update(wrong).digest("hex");
  const { pieces } = await openModel(wrong, { integrity: hash });
  let read = 0;
  const reads = async () => {
    for (let piece = await pieces.read(50_000); piece; piece = await pieces.read(50_000))
      read += piece.length;
  };
  await assert.rejects(reads(), { code: "integrity", message: new RegExp(`${hash}.*${came}`) });
  assert.ok(read < wrong.length);
  assert.equal(await pieces.read(1), undefined);
});

test("an empty file has a hash, too", async () => {
  const empty = createHash("sha256").digest("hex");
  assert.equal((await all(await openModel(new ArrayBuffer(0), { integrity: empty }))).length, 0);
  await assert.rejects(openModel(new ArrayBuffer(0), { integrity: hash }).then(all), { code: "integrity" });
});

test("a hash that is none is refused before anything is fetched", () =>
  serving(
    (q, r) => send(q, r, model),
    async (url, asked) => {
      await assert.rejects(openModel(url, { integrity: "md5" }), { code: "invalid-input" });
      assert.equal(asked.length, 0);
    },
  ));
