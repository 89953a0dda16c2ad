// Threads: workers that share the module's memory and help whoever runs a session there.
//
// What a reader would get wrong: nobody waits for them. They come when they come; a session that finds fewer uses
// fewer. They end with the page or worker that started them.

import { EdgewiseError } from "../errors";

/** Workers that were started and wait for the module. */
export interface Crew {
  /** Gives them the module and the memory that they share. */
  begin(module: WebAssembly.Module, memory: WebAssembly.Memory): void;
  /** How many there are when all have come or failed. */
  came: Promise<number>;
  /** Ends them. */
  dismiss(): void;
}

/** Starts so many workers: before the module is there, since starting one takes as long as fetching it. */
export const hire = (count: number): Crew => {
  const workers = Array.from({ length: count }, (_, i) => {
    return new Worker(new URL("./thread.js", import.meta.url), { type: "module", name: `edgewise-${i + 1}` });
  });
  const came = workers.map((worker) => {
    return new Promise<number>((settle) => {
      worker.onmessage = () => settle(1);
      worker.onerror = () => settle(0);
    });
  });
  return {
    begin: (module, memory) => workers.forEach((worker) => worker.postMessage({ module, memory })),
    came: Promise.all(came).then((counts) => counts.reduce((sum, count) => sum + count, 0)),
    dismiss: () => workers.forEach((worker) => worker.terminate()),
  };
};

/** As large as may be: engines reserve room for all that memory may grow to, and small devices have less. */
export const sharedMemory = (): WebAssembly.Memory => {
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial: 64, maximum, shared: true });
    } catch {
      // The next one is smaller.
    }
  }
  throw new EdgewiseError("out-of-memory", "there is no room for 1 GiB of shared memory; use one thread");
};
