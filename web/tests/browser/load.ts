// Loading by the browser's own streams, caches, files and locks. The network is played by the tests themselves, since
// no server breaks when it is told to: `fetch` answers for one origin that does not exist.
import { cacheClear, cacheDelete, cacheList, estimate, persist } from "../../ts/load/cache/manage";
import type { CacheKind } from "../../ts/load/cache/store";
import { type ModelInput, type Opening, openModel } from "../../ts/load/model";
import type { Pieces } from "../../ts/load/pieces";
import { startSha256 } from "../../ts/load/sha256";

const URL_OF_MODEL = "https://models.test/model.onnx";

/** Bytes that repeat nowhere near. */
const bytes = (length: number): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    made[i] = state >>> 24;
  }
  made[0] = 8;
  return made;
};

const model = bytes(3_000_000);

const hashOf = (bytes: Uint8Array): string => {
  const sum = startSha256();
  sum.update(bytes);
  return sum.hex();
};

const hash = hashOf(model);

const same = (came: unknown, expected: unknown): void => {
  const [a, b] = [JSON.stringify(came), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, came ${a}`);
};

const fails = async (promise: Promise<unknown>, code: string): Promise<void> => {
  const came = await promise.then(
    () => "nothing",
    (error: unknown) => Object(error).code ?? error,
  );
  same(came, code);
};

/** The length and the hash of all that comes, and how many buffers it came in. */
const drain = async (pieces: Pieces): Promise<{ length: number; hash: string }> => {
  const sum = startSha256();
  let length = 0;
  for (let piece = await pieces.read(1 << 20); piece; piece = await pieces.read(1 << 20)) {
    sum.update(piece);
    length += piece.length;
    pieces.again(piece);
  }
  return { length, hash: sum.hex() };
};

const whole = { length: model.length, hash };

/** A request that the network got. */
interface Asked {
  readonly range: string | null;
}

// Answers for the origin that does not exist; breaks the first `breaks` answers in their middle.
const withNetwork = async <T>(
  use: (asked: Asked[]) => Promise<T>,
  { body = model, breaks = 0, encoded = false } = {},
): Promise<T> => {
  const real = globalThis.fetch;
  const asked: Asked[] = [];
  globalThis.fetch = async (input, init) => {
    if (!String(input).startsWith("https://models.test/")) return real(input, init);
    const range = new Headers(init?.headers).get("Range");
    asked.push({ range });
    return answer(body, Number(/\d+/.exec(range ?? "0")?.[0]), asked.length <= breaks, encoded);
  };
  try {
    await cacheClear();
    return await use(asked);
  } finally {
    globalThis.fetch = real;
    await cacheClear();
  }
};

const answer = (
  body: Uint8Array<ArrayBuffer>,
  start: number,
  breaks: boolean,
  encoded: boolean,
): Response => {
  let at = start;
  const stop = breaks ? start + Math.floor((body.length - start) / 2) : body.length;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    // An error throws away what nobody has read yet, so it comes by itself.
    if (at >= stop) return breaks ? controller.error(new TypeError("network error")) : controller.close();
    const end = Math.min(at + (1 << 16), stop);
    controller.enqueue(body.slice(at, end));
    at = end;
  };
  const range: Record<string, string> = {
    "Content-Range": `bytes ${start}-${body.length - 1}/${body.length}`,
  };
  const headers = {
    "Content-Length": String(body.length - start),
    ETag: '"one"',
    ...(start > 0 && range),
    ...(encoded && { "Content-Encoding": "br" }),
  };
  return new Response(new ReadableStream({ pull }), { status: start > 0 ? 206 : 200, headers });
};

const load = async (options: Opening) => {
  const warnings: string[] = [];
  const stages = new Set<string>();
  const progress: Opening["progress"] = ({ stage }) => void stages.add(stage);
  const opened = await openModel(URL_OF_MODEL, { warn: (text) => warnings.push(text), progress, ...options });
  const length = opened.length;
  same(await drain(opened.pieces), whole);
  return { length, stages: [...stages], warnings };
};

const once = (cache: CacheKind, integrity: string | undefined) => () =>
  withNetwork(async (asked) => {
    const options = { cache, integrity };
    const [length, warnings, seen] = [model.length, [], integrity === undefined ? [] : ["verify"]];
    same(await load(options), { length, stages: ["download"], warnings });
    same(await load(options), { length, stages: [...seen, "cache"], warnings });
    same(asked.length, 1);
    const [entry, ...others] = await cacheList();
    same([entry?.url, entry?.kind, entry?.length, entry?.whole], [URL_OF_MODEL, cache, model.length, true]);
    same(others, []);
    same(await cacheDelete(URL_OF_MODEL), true);
    same(await cacheList(), []);
  });

const unknownLength = (cache: CacheKind) => () =>
  withNetwork(
    async () => {
      same((await load({ cache })).length, undefined);
      same(await load({ cache }), { length: model.length, stages: ["cache"], warnings: [] });
    },
    { encoded: true },
  );

const cancelled = (cache: CacheKind) => () =>
  withNetwork(async () => {
    const { pieces } = await openModel(URL_OF_MODEL, { cache });
    await pieces.read(1000);
    await pieces.cancel("enough");
    same(
      (await cacheList()).filter(({ whole }) => whole),
      [],
    );
    await load({ cache });
    same((await load({ cache })).stages, ["cache"]);
  });

const atOnce = (cache: CacheKind) => () =>
  withNetwork(async (asked) => {
    const first = await openModel(URL_OF_MODEL, { cache });
    same(await load({ cache }), { length: model.length, stages: ["download"], warnings: [] });
    same(
      (await cacheList()).filter(({ whole }) => whole),
      [],
    );
    same(await drain(first.pieces), whole);
    same((await load({ cache })).stages, ["cache"]);
    same(asked.length, 2);
  });

const goesOn = () =>
  withNetwork(
    async (asked) => {
      await fails(load({ cache: "opfs", retries: 0 }), "io");
      const [entry] = await cacheList();
      same([entry?.length, entry?.size, entry?.whole], [1_500_000, 3_000_000, false]);
      same((await load({ cache: "opfs", integrity: undefined })).length, model.length);
      same(
        asked.map(({ range }) => range),
        [null, "bytes=1500000-"],
      );
      same((await load({ cache: "opfs" })).stages, ["cache"]);
    },
    { breaks: 1 },
  );

const inParts = () => {
  const body = bytes(70 << 20);
  return withNetwork(
    async () => {
      const sum = { length: body.length, hash: hashOf(body) };
      for (const cache of ["opfs", "opfs"] as const) {
        same(await drain((await openModel(URL_OF_MODEL, { cache })).pieces), sum);
      }
      same(
        (await cacheList()).map(({ length, whole }) => [length, whole]),
        [[body.length, true]],
      );
    },
    { body },
  );
};

const inputs = async (): Promise<void> => {
  const shared = globalThis.SharedArrayBuffer && new Uint8Array(new SharedArrayBuffer(model.length));
  shared?.set(model);
  const address = URL.createObjectURL(new Blob([model]));
  const root = await navigator.storage.getDirectory();
  const name = "load-test.onnx";
  const all: ModelInput[] = [
    model,
    model.buffer,
    new Blob([model]),
    new File([model], name),
    address,
    fetch(address),
    new Response(model),
    new Blob([model]).stream(),
    ...(shared ? [shared.buffer] : []),
  ];
  for (const input of all) {
    same(await drain((await openModel(input, { integrity: hash })).pieces), whole);
    if (input instanceof ReadableStream || input instanceof Promise || input instanceof Response) continue;
    same(await drain((await openModel(input, { kept: true })).pieces), whole);
  }
  URL.revokeObjectURL(address);
  await fails(openModel(address), "not-found");
  const handle = await root.getFileHandle(name, { create: true });
  same(await drain((await openModel(handle, { raw: true })).pieces), {
    length: 0,
    hash: hashOf(new Uint8Array()),
  });
  await root.removeEntry(name);
  await fails(openModel(handle), "not-found");
};

const brokenAndAborted = () =>
  withNetwork(
    async (asked) => {
      same((await load({})).warnings, []);
      same(asked.length, 3);
      const controller = new AbortController();
      const { pieces } = await openModel(URL_OF_MODEL, { signal: controller.signal });
      controller.abort("enough");
      await fails(drain(pieces), "cancelled");
    },
    { breaks: 2 },
  );

const room = async (): Promise<void> => {
  same(typeof (await persist()), "boolean");
  const { usage = -1, quota = -1 } = (await estimate()) ?? {};
  same([usage >= 0, quota > 0], [true, true]);
};

// The same tests in a worker, which writes files in place.
const inWorker = (names: string[]) => async (): Promise<void> => {
  const script = `import { tests } from ${JSON.stringify(import.meta.url)};
    const run = async () => { for (const name of ${JSON.stringify(names)}) await tests[name](); };
    run().then(() => postMessage(""), (error) => postMessage(String(error.stack)));`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  try {
    same(
      await new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve(message || "the worker did not start");
      }),
      "",
    );
  } finally {
    worker.terminate();
    URL.revokeObjectURL(address);
  }
};

const here: Record<string, () => Promise<void>> = {
  "a model comes from whatever it is in": inputs,
  "a download that breaks goes on, one that is cancelled ends": brokenAndAborted,
  "opfs: a model is downloaded once": once("opfs", undefined),
  "opfs: a model with a hash is downloaded once": once("opfs", hash),
  "opfs: a length that was not known is known from then on": unknownLength("opfs"),
  "opfs: a load that is cancelled lets the next one write": cancelled("opfs"),
  "opfs: of two loads at once one is kept": atOnce("opfs"),
  "opfs: a download that was left goes on in the next load": goesOn,
  "opfs: a large model lies in parts": inParts,
  "cache-api: a model is downloaded once": once("cache-api", undefined),
  "cache-api: a model with a hash is downloaded once": once("cache-api", hash),
  "cache-api: a length that was not known is known from then on": unknownLength("cache-api"),
  "cache-api: a load that is cancelled lets the next one write": cancelled("cache-api"),
  "cache-api: of two loads at once one is kept": atOnce("cache-api"),
  "an origin knows its room": room,
};

export const tests: Record<string, () => Promise<void>> = {
  ...here,
  "all of it in a worker": inWorker(Object.keys(here)),
};
