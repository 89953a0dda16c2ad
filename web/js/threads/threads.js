// Edgewise on several threads: starts the module, and workers that share its memory. Builds with `-threads` in
// their names have it. Pages that use it must be isolated from other origins (the headers Cross-Origin-Opener-Policy and
// Cross-Origin-Embedder-Policy), because only those may share memory.
import init, { closeThreads } from "./edgewise.js";

// Starts the module for this thread, which may load sessions when the promise is kept, and `threads - 1`
// workers that help it. The module is fetched from beside this file, or comes in the promise of a response. They come when they come: a session that finds fewer uses fewer.
//
// `came` is a promise of how many workers there are when all have come or failed; `close` sends them home, for
// good. Workers end with the page or worker that started them.
export const start = async (threads, response = fetch(new URL("edgewise_bg.wasm", import.meta.url))) => {
  if (!globalThis.crossOriginIsolated) {
    throw new Error("threads need a page that is isolated from other origins (COOP and COEP headers)");
  }
  // Before the module is there: starting a worker takes as long as fetching it.
  const workers = Array.from({ length: threads - 1 }, (_, i) => {
    return new Worker(new URL("thread.js", import.meta.url), { type: "module", name: `edgewise-${i + 1}` });
  });
  const came = workers.map((worker) => {
    return new Promise((settle) => {
      worker.onmessage = () => settle(1);
      worker.onerror = () => settle(0);
    });
  });
  try {
    const module = await compile(await response);
    const { memory } = await init({ module_or_path: module, memory: sharedMemory() });
    workers.forEach((worker) => worker.postMessage({ module, memory }));
  } catch (error) {
    workers.forEach((worker) => worker.terminate());
    throw error;
  }
  const sum = (counts) => counts.reduce((a, b) => a + b, 0);
  return { came: Promise.all(came).then(sum), close: closeThreads };
};

// As large as may be: browsers reserve room for all that memory may grow to, and small devices have less.
const sharedMemory = () => {
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial: 64, maximum, shared: true });
    } catch {
      // The next one is smaller.
    }
  }
  throw new Error("there is no room for 1 GiB of shared memory");
};

// As it comes, where the server calls it what it is.
const compile = async (response) => {
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  const streams = response.headers.get("Content-Type")?.startsWith("application/wasm");
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
};
