import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { cacheClear, cacheDelete, cacheList, cacheSize, estimate, persist } from "../../ts/load/cache/manage";
import type { CacheKind } from "../../ts/load/cache/store";
import { type Opening, openModel } from "../../ts/load/model";
import { withStorage } from "./load-fakes";
import { type Answer, all, bytes, send, serving } from "./load-server";

const model = bytes(300_000);
const hash = createHash("sha256").update(model).digest("hex");
const tag = { ETag: '"one"' };
const serve: Answer = (q, r) => send(q, r, model, { headers: tag });

/** Loads all of it; says from where it came and what it was warned of. */
const load = async (url: string, options: Opening) => {
  const warnings: string[] = [];
  const stages = new Set<string>();
  const progress: Opening["progress"] = ({ stage }) => void stages.add(stage);
  const opened = await openModel(url, { warn: (text) => warnings.push(text), progress, ...options });
  const body = await all(opened);
  return { body, length: opened.length, stages: [...stages], warnings };
};

for (const cache of ["opfs", "cache-api"] as CacheKind[]) {
  test(`${cache}: what was loaded once is not asked for again`, () =>
    withStorage(() =>
      serving(serve, async (url, asked) => {
        assert.deepEqual((await load(url, { cache })).stages, ["download"]);
        const again = await load(`${url}#part`, { cache });
        assert.deepEqual(again, {
          body: Buffer.from(model),
          length: 300_000,
          stages: ["cache"],
          warnings: [],
        });
        assert.equal(asked.length, 1);
      }),
    ));

  test(`${cache}: an entry says what it is, and can be deleted`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        await load(url, { cache });
        await load(url, { cache, integrity: hash });
        const list = await cacheList();
        assert.deepEqual(list.map((entry) => entry.hash).sort(), [hash, undefined]);
        for (const entry of list) {
          const { kind, length, whole, version } = entry;
          assert.deepEqual(
            { url: entry.url, kind, length, whole, version },
            { url, kind: cache, length: 300_000, whole: true, version: { etag: '"one"' } },
          );
          assert.ok(Date.now() - entry.saved.getTime() < 10_000);
        }
        assert.equal(await cacheSize(), 600_000);
        assert.equal(await cacheDelete(url), true);
        assert.equal(await cacheDelete(url), false);
        assert.deepEqual(await cacheList(), []);
      }),
    ));

  test(`${cache}: clearing it leaves nothing, and it works again afterwards`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        await load(url, { cache });
        await cacheClear();
        assert.deepEqual(await cacheList(), []);
        await load(url, { cache });
        assert.deepEqual((await load(url, { cache })).stages, ["cache"]);
      }),
    ));

  test(`${cache}: names are apart`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        await load(url, { cache: { kind: cache, name: "mine" } });
        assert.equal((await cacheList()).length, 0);
        assert.equal((await cacheList({ name: "mine" })).length, 1);
      }),
    ));

  test(`${cache}: a store that is full costs nobody the model, and keeps nothing of it`, () =>
    withStorage((faults) =>
      serving(serve, async (url) => {
        faults.quota = 100_000;
        const { body, warnings } = await load(url, { cache });
        assert.deepEqual(body, Buffer.from(model));
        assert.match(warnings.join(), /no room.*cacheClear/);
        assert.equal(warnings.length, 1);
        assert.deepEqual(await cacheList(), []);
      }),
    ));

  test(`${cache}: a private window is warned of, and loads`, () =>
    withStorage((faults) =>
      serving(serve, async (url) => {
        faults.closed = new DOMException("denied", "SecurityError");
        const { body, warnings } = await load(url, { cache });
        assert.deepEqual(body, Buffer.from(model));
        assert.match(warnings.join(), /no cache here.*denied/);
        assert.deepEqual(await cacheList(), []);
      }),
    ));

  test(`${cache}: wrong bytes in it are found before anybody has them, and come anew`, () =>
    withStorage(() =>
      serving(
        (q, r, count) => send(q, r, count === 1 ? bytes(300_000, 9) : model),
        async (url) => {
          const wrong = createHash("sha256").update(bytes(300_000, 9)).digest("hex");
          await load(url, { cache, integrity: wrong });
          await rename(wrong, hash);
          const { body, stages } = await load(url, { cache, integrity: hash });
          assert.deepEqual(body, Buffer.from(model));
          assert.deepEqual(stages, ["verify", "download"]);
          assert.deepEqual((await load(url, { cache, integrity: hash })).stages, ["verify", "cache"]);
        },
      ),
    ));

  test(`${cache}: a download of the wrong hash is not kept`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        const options = { cache, integrity: "0".repeat(64) };
        await assert.rejects(load(url, options), {
          code: "integrity",
          message: new RegExp(`0{64}.*${hash}`),
        });
        assert.deepEqual(await cacheList(), []);
      }),
    ));

  test(`${cache}: a web page is not kept`, () =>
    withStorage(() =>
      serving(
        (q, r) => send(q, r, Buffer.from("<html>")),
        async (url) => {
          await assert.rejects(load(url, { cache }), { code: "invalid-model" });
          assert.deepEqual(await cacheList(), []);
        },
      ),
    ));

  test(`${cache}: it is asked whether there is another version only where that is wanted`, () =>
    withStorage(() =>
      serving(
        (q, r, count) => {
          if (q.headers["if-none-match"] === '"1"' && count < 4) r.writeHead(304).end();
          else if (count === 6) r.writeHead(500).end();
          else send(q, r, bytes(1000 * count), { headers: { ETag: `"${count}"` } });
        },
        async (url, asked) => {
          const lengths = async (revalidate: boolean) => (await load(url, { cache, revalidate })).length;
          assert.equal(await lengths(false), 1000);
          assert.equal(await lengths(false), 1000);
          assert.equal(asked.length, 1);
          assert.equal(await lengths(true), 1000);
          assert.equal(await lengths(true), 1000);
          assert.equal(asked[1]?.ifNoneMatch, '"1"');
          assert.equal(await lengths(true), 4000);
          assert.equal(await lengths(true), 5000);
          const { length, warnings } = await load(url, { cache, revalidate: true });
          assert.equal(length, 5000);
          assert.match(warnings.join(), /500/);
        },
      ),
    ));

  test(`${cache}: two loads at once are both right, and one of them is kept`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        const loads = await Promise.all([1, 2, 3].map(() => load(url, { cache })));
        for (const { body } of loads) assert.deepEqual(body, Buffer.from(model));
        assert.equal((await cacheList()).length, 1);
        assert.deepEqual((await load(url, { cache })).stages, ["cache"]);
      }),
    ));

  test(`${cache}: a load that is cancelled lets the next one write`, () =>
    withStorage(() =>
      serving(serve, async (url) => {
        const { pieces } = await openModel(url, { cache });
        await pieces.read(1000);
        await pieces.cancel("enough");
        assert.deepEqual(
          (await cacheList()).filter(({ whole }) => whole),
          [],
        );
        assert.deepEqual((await load(url, { cache })).body, Buffer.from(model));
        assert.deepEqual((await load(url, { cache })).stages, ["cache"]);
      }),
    ));
}

// Gives a file in the cache another hash than its own.
const rename = async (from: string, to: string): Promise<void> => {
  const { caches, navigator } = globalThis as unknown as Storage;
  const stored = (await caches.open("edgewise")).stored;
  for (const [url, value] of stored) stored.set(url.replace(from, to), value);
  const folder = await (
    await navigator.storage.getDirectory()
  ).getDirectoryHandle("edgewise", { create: true });
  const { sha256 } = await import("../../ts/load/sha256");
  for (const entry of [...folder.entries.values()]) {
    const about = entry.entries.get("about.json");
    const text = Buffer.from(about?.bytes ?? []).toString();
    if (!about || !text.includes(from)) continue;
    about.bytes = new Uint8Array(Buffer.from(text.replace(from, to)));
    folder.entries.set(sha256(`${to} ${JSON.parse(text).url}`).slice(0, 40), entry);
  }
};

interface Storage {
  caches: { open(name: string): Promise<{ stored: Map<string, unknown> }> };
  navigator: {
    storage: { getDirectory(): Promise<{ getDirectoryHandle(n: string, o: object): Promise<Folder> }> };
  };
}

interface Folder {
  entries: Map<string, { entries: Map<string, { bytes: Uint8Array }> }>;
}

test("opfs: a download that was left goes on in the next load", () =>
  withStorage(() =>
    serving(
      (q, r, count) => send(q, r, model, { most: count === 1 ? 150_000 : Infinity, headers: tag }),
      async (url, asked) => {
        await assert.rejects(load(url, { cache: "opfs", retries: 0 }), {
          code: "io",
          message: /150000 of 300000/,
        });
        assert.deepEqual(
          (await cacheList()).map(({ length, size, whole }) => ({ length, size, whole })),
          [{ length: 150_000, size: 300_000, whole: false }],
        );
        const { body, length, warnings } = await load(url, { cache: "opfs", integrity: undefined });
        assert.deepEqual(body, Buffer.from(model));
        assert.equal(length, 300_000);
        assert.deepEqual(warnings, []);
        assert.equal(asked[1]?.range, "bytes=150000-");
        assert.equal(asked[1]?.ifRange, '"one"');
        assert.deepEqual((await load(url, { cache: "opfs" })).stages, ["cache"]);
      },
    ),
  ));

test("opfs: what was left of another version is thrown away", () =>
  withStorage(() =>
    serving(
      (q, r, count) => {
        if (count > 1) delete q.headers.range;
        const headers = { ETag: `"${count}"` };
        send(q, r, bytes(300_000, count), { most: count === 1 ? 150_000 : Infinity, headers });
      },
      async (url) => {
        await assert.rejects(load(url, { cache: "opfs", retries: 0 }));
        assert.deepEqual((await load(url, { cache: "opfs" })).body, Buffer.from(bytes(300_000, 3)));
        assert.deepEqual((await load(url, { cache: "opfs" })).body, Buffer.from(bytes(300_000, 3)));
      },
    ),
  ));

test("opfs: what was left without a version is not gone on with, unless a hash proves it", () =>
  withStorage(() =>
    serving(
      (q, r, count) => send(q, r, model, { most: count % 2 === 1 ? 150_000 : Infinity }),
      async (url, asked) => {
        await assert.rejects(load(url, { cache: "opfs", retries: 0 }));
        await load(url, { cache: "opfs", retries: 0 });
        assert.equal(asked[1]?.range, undefined);
        await assert.rejects(load(url, { cache: "opfs", retries: 0, integrity: hash }));
        assert.deepEqual((await load(url, { cache: "opfs", integrity: hash })).body, Buffer.from(model));
        assert.equal(asked[3]?.range, "bytes=150000-");
      },
    ),
  ));

test("`true` takes what there is, and Node has nothing but a warning", () =>
  serving(serve, async (url) => {
    const { body, warnings } = await load(url, { cache: true });
    assert.deepEqual(body, Buffer.from(model));
    assert.match(warnings.join(), /no cache here/);
    assert.deepEqual(await cacheList(), []);
    assert.equal(await persist(), false);
    assert.equal(await estimate(), undefined);
    await cacheClear();
    assert.equal(await cacheDelete(url), false);
  }));

test("a cache of an unknown kind is an error, not a warning", async () => {
  const cache = "disk" as unknown as CacheKind;
  await assert.rejects(load("http://127.0.0.1:9/", { cache }), { code: "invalid-input", message: /"disk"/ });
});
