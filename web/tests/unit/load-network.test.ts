import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { openModel } from "../../ts/load/model";
import type { Progress } from "../../ts/load/progress";
import { type Answer, all, bytes, send, serving } from "./load-server";

const model = bytes(300_000);
const tag = { ETag: '"one"' };

test("a model comes whole, with its length and its progress", () =>
  serving(
    (q, r) => send(q, r, model),
    async (url) => {
      const told: Progress[] = [];
      const opened = await openModel(url, { progress: (progress) => told.push(progress) });
      assert.equal(opened.name, url);
      assert.equal(opened.length, model.length);
      assert.deepEqual(await all(opened), Buffer.from(model));
      assert.deepEqual(told.at(-1), { stage: "download", loaded: model.length, total: model.length });
      assert.ok(told.length > 1);
    },
  ));

test("pieces that are kept have memory of their own", () =>
  serving(
    (q, r) => send(q, r, model),
    async (url) => {
      const { pieces } = await openModel(url, { kept: true });
      const kept: Uint8Array[] = [];
      for (let piece = await pieces.read(1000); piece; piece = await pieces.read(1000)) {
        kept.push(piece);
        pieces.again(piece);
      }
      assert.deepEqual(Buffer.concat(kept), Buffer.from(model));
      assert.equal(new Set(kept.map(({ buffer }) => buffer)).size, kept.length);
    },
  ));

test("a download that breaks goes on behind the last byte, as often as it breaks", () =>
  serving(
    (q, r) => send(q, r, model, { most: 110_000, headers: tag }),
    async (url, asked) => {
      assert.deepEqual(await all(await openModel(url)), Buffer.from(model));
      assert.deepEqual(
        asked.map(({ range }) => range),
        [undefined, "bytes=110000-", "bytes=220000-"],
      );
      assert.equal(asked[1]?.ifRange, '"one"');
    },
  ));

test("headers go with every request, also with those that go on", () =>
  serving(
    (q, r) => send(q, r, model, { most: 200_000 }),
    async (url, asked) => {
      await all(await openModel(url, { fetch: { headers: { Authorization: "Bearer a" } } }));
      assert.deepEqual(
        asked.map(({ headers }) => headers["authorization"]),
        ["Bearer a", "Bearer a"],
      );
    },
  ));

test("a weak tag is no proof, the date is", () =>
  serving(
    (q, r) =>
      send(q, r, model, { most: 200_000, headers: { ETag: 'W/"one"', "Last-Modified": "yesterday" } }),
    async (url, asked) => {
      assert.deepEqual(await all(await openModel(url)), Buffer.from(model));
      assert.equal(asked[1]?.ifRange, "yesterday");
    },
  ));

test("a server that knows no ranges: the error tells how much came", () =>
  serving(
    (q, r) => {
      delete q.headers.range;
      send(q, r, model, { most: 100_000 });
    },
    async (url) => {
      const opened = await openModel(url);
      const error = { code: "io", message: /100000 of 300000 bytes came.*it answered 200 in place of 206/ };
      await assert.rejects(all(opened), error);
    },
  ));

test("a file that changes under a download is an error, not a mixture", () =>
  serving(
    (q, r, count) => {
      if (count > 1) delete q.headers.range;
      send(q, r, bytes(300_000, count), {
        most: count === 1 ? 100_000 : Infinity,
        headers: { ETag: `"${count}"` },
      });
    },
    async (url) => {
      await assert.rejects(openModel(url).then(all), {
        code: "io",
        message: /the file has changed meanwhile/,
      });
    },
  ));

test("a 206 of another version is refused as well", () =>
  serving(
    (q, r, count) => send(q, r, model, { most: 100_000, headers: { ETag: `"${count}"` } }),
    async (url) => assert.rejects(openModel(url).then(all), { code: "io", message: /has changed/ }),
  ));

test("a 206 that begins elsewhere, or belongs to a longer file, is refused", async () => {
  for (const range of ["bytes 100001-299999/300000", "bytes 100000-300000/300001", "bytes */300000"]) {
    await serving(
      (q, r, count) => {
        if (count === 1) return send(q, r, model, { most: 100_000 });
        r.writeHead(206, { "Content-Range": range });
        r.end(model.subarray(100_000));
      },
      async (url) =>
        assert.rejects(openModel(url).then(all), { code: "io", message: /it sent another range/ }),
    );
  }
});

test("what breaks before its first byte begins anew, even as another file", () =>
  serving(
    (q, r, count) => send(q, r, bytes(1000 * count, count), { most: count === 1 ? 0 : Infinity }),
    async (url) => {
      const opened = await openModel(url);
      assert.equal(opened.length, 2000);
      assert.deepEqual(await all(opened), Buffer.from(bytes(2000, 2)));
    },
  ));

test("a server that stays broken is given up, with what came and why", () =>
  serving(
    (q, r, count) => {
      if (count === 1) return send(q, r, model, { most: 100_000 });
      r.writeHead(503, "Too Busy").end();
    },
    async (url, asked) => {
      const error = { code: "io", message: /100000 of 300000 bytes came.*503 Too Busy.*2 attempts/ };
      await assert.rejects(openModel(url, { retries: 2 }).then(all), error);
      assert.equal(asked.length, 3);
    },
  ));

test("a server that answers 503 only for a moment is asked again", () =>
  serving(
    (q, r, count) => {
      if (count === 2) r.writeHead(503).end();
      else send(q, r, model, { most: count === 1 ? 100_000 : Infinity });
    },
    async (url) => assert.deepEqual(await all(await openModel(url)), Buffer.from(model)),
  ));

test("status codes say what to do", async () => {
  const cases: [number, string, RegExp][] = [
    [404, "not-found", /model\.onnx: the server answered 404 Not Found; check the path/],
    [410, "not-found", /410/],
    [403, "io", /403 Forbidden; pass what it wants to know/],
    [500, "io", /500.*try again later/],
    [418, "io", /418/],
  ];
  for (const [status, code, message] of cases) {
    await serving(
      (_, r) => r.writeHead(status).end("<html>"),
      async (url) => assert.rejects(openModel(url), { code, message }),
    );
  }
});

test("a web page is told from a model, by its type and by its first byte", async () => {
  const page = Buffer.from("<!doctype html><title>App</title>");
  for (const headers of [{ "Content-Type": "text/html; charset=utf-8" }, {}]) {
    await serving(
      (q, r) => send(q, r, page, { headers }),
      async (url) =>
        assert.rejects(openModel(url), { code: "invalid-model", message: /model\.onnx: a web page came/ }),
    );
  }
});

test("weights beside a model may begin as they like", () =>
  serving(
    (q, r) => send(q, r, Buffer.from("<weights")),
    async (url) => assert.equal(String(await all(await openModel(url, { raw: true }))), "<weights"),
  ));

test("the length of what comes compressed is not known", () =>
  serving(
    (_, r) => {
      const sent = gzipSync(model);
      r.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": String(sent.length) }).end(sent);
    },
    async (url) => {
      const opened = await openModel(url);
      assert.equal(opened.length, undefined);
      assert.deepEqual(await all(opened), Buffer.from(model));
    },
  ));

test("a server that stalls is asked again for the rest", () =>
  serving(
    (q, r, count) => {
      if (count > 1) return send(q, r, model);
      r.writeHead(200, { "Content-Length": String(model.length) });
      r.write(model.subarray(0, 50_000));
    },
    async (url, asked) => {
      assert.deepEqual(await all(await openModel(url, { timeout: 60 })), Buffer.from(model));
      assert.equal(asked[1]?.range, "bytes=50000-");
    },
  ));

test("a server that never answers has a deadline", () =>
  serving(
    () => {},
    async (url) =>
      assert.rejects(openModel(url, { timeout: 30 }), { code: "deadline-exceeded", message: /30 ms/ }),
  ));

test("a signal ends it: before it begins, before the answer, between pieces, while it sleeps", async () => {
  const cancelled = { code: "cancelled", name: "AbortError", cause: "enough" };
  const stalls: Answer = (_, r) => {
    r.writeHead(200, { "Content-Length": String(model.length) });
    r.write(model.subarray(0, 50_000));
  };
  await serving(stalls, async (url) => {
    await assert.rejects(openModel(url, { signal: AbortSignal.abort("enough") }), cancelled);
    const controller = new AbortController();
    const opened = await openModel(url, { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 20);
    await assert.rejects(all(opened), cancelled);
  });
  await serving(
    () => {},
    async (url) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort("enough"), 20);
      await assert.rejects(openModel(url, { signal: controller.signal }), cancelled);
    },
  );
  await serving(
    (q, r) => send(q, r, model, { most: 1000 }),
    async (url) => {
      const controller = new AbortController();
      const opened = await openModel(url, { signal: controller.signal });
      setTimeout(() => controller.abort("enough"), 50);
      await assert.rejects(all(opened), cancelled);
    },
  );
});

test("cancel ends a read that waits, and the server hears of it", async () => {
  let gone = () => {};
  const hears = new Promise<void>((resolve) => (gone = resolve));
  const answer: Answer = (_, r) => {
    r.on("close", gone);
    r.writeHead(200, { "Content-Length": "5000" });
    r.write(model.subarray(0, 1000));
  };
  await serving(answer, async (url) => {
    const { pieces } = await openModel(url);
    await pieces.read(1 << 16);
    const waits = pieces.read(1 << 16);
    await pieces.cancel("enough");
    assert.equal(await waits, undefined);
    assert.equal(await pieces.read(1 << 16), undefined);
    await hears;
  });
});

test("cancel ends a read that sleeps before it goes on", () =>
  serving(
    (q, r) => send(q, r, model, { most: 1000 }),
    async (url, asked) => {
      const { pieces } = await openModel(url);
      await pieces.read(1 << 16);
      const waits = pieces.read(1 << 16);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await pieces.cancel("enough").catch(() => {});
      assert.equal(await waits, undefined);
      assert.equal(asked.length, 1);
    },
  ));

test("an address behind which nobody listens says what to check", async () => {
  await assert.rejects(openModel("http://127.0.0.1:9/model.onnx"), {
    code: "io",
    message: /check the network/,
  });
});
