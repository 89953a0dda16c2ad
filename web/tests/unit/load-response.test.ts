import assert from "node:assert/strict";
import { test } from "node:test";
import { ofBytes } from "../../ts/load/pieces";
import { counted } from "../../ts/load/progress";
import { alike, goesOn, ifRange, lengthOf, sizeOf } from "../../ts/load/response";

const response = (headers: Record<string, string>) => new Response(null, { headers });
const foreign = (headers: Record<string, string>) =>
  Object.defineProperty(response(headers), "type", { value: "cors" });

test("a length is certain only where nothing is hidden or compressed", () => {
  assert.equal(lengthOf(response({ "Content-Length": "5" })), 5);
  assert.equal(lengthOf(response({ "Content-Length": "5", "Content-Encoding": "identity" })), 5);
  assert.equal(lengthOf(response({ "Content-Length": "5", "Content-Encoding": "gzip" })), undefined);
  assert.equal(lengthOf(foreign({ "Content-Length": "5" })), undefined);
  assert.equal(sizeOf(foreign({ "Content-Length": "5" })), 5);
  for (const odd of ["", "-5", "5, 5", "1e3", "9".repeat(16), "0x5"]) {
    assert.equal(lengthOf(response({ "Content-Length": odd })), undefined, odd);
  }
});

test("the rest is that behind the offset, of a file of the same size", () => {
  const at = (range: string) => goesOn(response({ "Content-Range": range }), 100, 300);
  assert.ok(at("bytes 100-299/300"));
  assert.ok(at("bytes 100-299/*"));
  for (const wrong of ["bytes 0-299/300", "bytes 100-300/301", "bytes */300", "items 100-299/300", "100"]) {
    assert.ok(!at(wrong), wrong);
  }
});

test("a hidden range is proved by what is missing", () => {
  assert.ok(goesOn(response({ "Content-Length": "200" }), 100, 300));
  assert.ok(!goesOn(response({ "Content-Length": "300" }), 100, 300));
  assert.ok(!goesOn(response({ "Content-Length": "200" }), 100, undefined));
  assert.ok(!goesOn(response({}), 100, 300));
});

test("a compressed rest belongs to nothing", () => {
  const range = { "Content-Range": "bytes 100-299/300", "Content-Encoding": "gzip" };
  assert.ok(!goesOn(response(range), 100, 300));
});

test("versions differ where both say something else", () => {
  assert.ok(alike({}, { etag: '"a"' }));
  assert.ok(alike({ etag: '"a"', modified: "today" }, { etag: '"a"' }));
  assert.ok(!alike({ etag: '"a"' }, { etag: '"b"' }));
  assert.ok(!alike({ etag: '"a"', modified: "today" }, { etag: '"a"', modified: "tomorrow" }));
  assert.equal(ifRange({ etag: '"a"', modified: "today" }), '"a"');
  assert.equal(ifRange({ etag: 'W/"a"', modified: "today" }), "today");
  assert.equal(ifRange({ etag: 'W/"a"' }), undefined);
});

test("a total that was only said is one until more has come", async () => {
  const told: (number | undefined)[] = [];
  const pieces = counted(ofBytes(new Uint8Array(30)), "download", 20, ({ total }) => void told.push(total));
  while (await pieces.read(10));
  assert.deepEqual(told, [20, 20, undefined]);
});
