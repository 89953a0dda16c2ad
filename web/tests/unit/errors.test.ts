import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgewiseError, cancelled, proceed, typed } from "../../ts/errors";

test("what a signal ended is an AbortError with its reason", () => {
  const error = cancelled("the run", AbortSignal.abort("enough"));
  assert.equal(error.name, "AbortError");
  assert.equal(error.code, "cancelled");
  assert.equal(error.cause, "enough");
});

test("a signal that has not told to stop lets everything go on", () => {
  proceed("the run", undefined);
  proceed("the run", new AbortController().signal);
  assert.throws(() => proceed("the run", AbortSignal.abort()), { code: "cancelled" });
});

test("an error of the module keeps its code, any other one is ours", () => {
  const own = Object.assign(new Error("no such input"), { code: "invalid-input" });
  assert.equal(typed(own).code, "invalid-input");
  assert.equal(typed("odd").code, "internal");
  assert.equal(typed(Object.assign(new Error("closed"), { code: "EBADF" }), "io").code, "io");
  assert.equal(typed(new TypeError("no network"), "io").code, "io");
  assert.equal(typed(Object.assign(new Error("closed"), { code: "EBADF" }), "io").code, "io");
  const error = new EdgewiseError("busy", "it runs");
  assert.equal(typed(error), error);
});
