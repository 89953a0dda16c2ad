import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, engine } from "../../ts/module/builds";

const all = { simd: true, relaxed: true, threads: true };

test("an engine gets the best build that it can run", () => {
  const wanted = { threads: 4, relaxed: true };
  assert.equal(choose(all, wanted), "relaxed-threads");
  assert.equal(choose({ ...all, relaxed: false }, wanted), "simd-threads");
  assert.equal(choose({ ...all, threads: false }, wanted), "relaxed");
  assert.equal(choose({ simd: true, relaxed: false, threads: false }, wanted), "simd");
  assert.equal(choose({ simd: false, relaxed: false, threads: true }, wanted), undefined);
});

test("nobody gets what was not asked for", () => {
  assert.equal(choose(all, { threads: 1, relaxed: true }), "relaxed");
  assert.equal(choose(all, { threads: 2, relaxed: false }), "simd-threads");
});

test("this Node has vectors; relaxed ones came with V8 11.4; it shares no memory", () => {
  const [major = 0, minor = 0] = process.versions.v8.split(".").map(Number);
  const relaxed = major > 11 || (major === 11 && minor >= 4);
  assert.deepEqual(engine(), { simd: true, relaxed, threads: false });
});
