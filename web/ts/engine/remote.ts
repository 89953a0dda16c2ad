// Runs models in a worker, so that the page never stands still: the same sessions behind messages.
//
// What a reader would get wrong: there is one worker for all sessions of a page. It is started with the first, and
// ended when the last one is released.

import { env } from "../api/env";
import { EdgewiseError, cancelled, proceed } from "../errors";
import type { Engine, Hearing, Model, Past, Runner } from "./engine";
import {
  flags,
  portable,
  portableOpening,
  sendable,
  type Calls,
  type Loaded,
  type Opened,
  type Question,
  type Reply,
} from "./messages";

interface Waiting {
  resolve: (answer: never) => void;
  reject: (error: EdgewiseError) => void;
  progress: Hearing["progress"];
}

/** A worker, and what it still owes. */
class Remote {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  sessions = 0;

  constructor() {
    this.#worker = env.wasm.createWorker?.() ?? create();
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#hear(data);
    this.#worker.onerror = (event) => this.#lose(event);
    this.#worker.onmessageerror = () => this.#lose();
  }

  ask<Name extends keyof Calls>(
    call: Name,
    given: Calls[Name][0],
    { signal, progress }: Partial<Hearing> = {},
    moved: Transferable[] = [],
  ): Promise<Calls[Name][1]> {
    const id = this.#next++;
    const stop = () => this.#post({ id, call: "cancel" });
    const answer = new Promise<Calls[Name][1]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, progress });
      signal?.addEventListener("abort", stop, { once: true });
      this.#post({ id, call, given } as Question, moved);
    });
    return answer.finally(() => {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", stop);
    });
  }

  end(): void {
    this.#worker.terminate();
  }

  #post(question: Question, moved: Transferable[] = []): void {
    this.#worker.postMessage(question, moved);
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("progress" in reply) waiting.progress?.(reply.progress);
    else if ("code" in reply) waiting.reject(new EdgewiseError(reply.code, reply.message));
    else waiting.resolve(reply.answer as never);
  }

  /** The worker is gone: so is everything in it. */
  #lose(event?: ErrorEvent): void {
    const why = event?.message ? `: ${event.message}` : "; its script may not be where the page looks for it";
    const error = new EdgewiseError(
      "io",
      `the worker failed${why}. If a bundler moved it, give env.wasm.createWorker = () => ` +
        "new Worker(new URL('edgewise/worker', import.meta.url), { type: 'module' })",
    );
    if (shared === this) shared = undefined;
    this.#worker.terminate();
    this.#waiting.forEach(({ reject }) => reject(error));
    this.#waiting.clear();
  }
}

const create = (): Worker =>
  new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "edgewise" });

let shared: Remote | undefined;

export const remote: Engine = {
  load: async (input, settings, hearing) => {
    if (settings.onDevice !== false) {
      throw new EdgewiseError(
        "unsupported",
        "preferredOutputLocation 'gpu-buffer' is for sessions in this thread: GPU memory cannot leave a worker; " +
          "create the session with worker: false",
      );
    }
    const worker = (shared ??= new Remote());
    worker.sessions++;
    try {
      const { model: main, moved } = await portable(input);
      const files = await Promise.all(
        settings.external.map(async ({ path, data }) => ({ path, ...(await portable(data)) })),
      );
      const external = files.map(({ path, model }) => ({ path, data: model }));
      const sent = { ...settings, open: portableOpening(settings.open), external } as typeof settings;
      const given = { model: main, settings: sent, flags: flags() };
      const all = [moved, ...files.map((file) => file.moved)].flat();
      return model(worker, await worker.ask("load", given, hearing, all));
    } catch (error) {
      leave(worker);
      proceed("loading", hearing.signal);
      throw error;
    }
  },
};

const leave = (worker: Remote): void => {
  if (--worker.sessions > 0) return;
  if (shared === worker) shared = undefined;
  worker.end();
};

const model = (worker: Remote, loaded: Loaded): Model => {
  const { session, device } = loaded;
  const own = runner(worker, loaded);
  return {
    ...own,
    device,
    summary: () => worker.ask("summary", { session }),
    context: async () => past(worker, await worker.ask("context", { session })),
    release: async () => {
      await own.release();
      leave(worker);
    },
  };
};

const past = (worker: Remote, opened: Opened): Past => {
  const { session } = opened;
  return {
    ...runner(worker, opened),
    length: () => worker.ask("length", { session }),
    truncate: (length) => worker.ask("truncate", { session, length }),
    reset: () => worker.ask("reset", { session }),
    fork: async () => past(worker, await worker.ask("fork", { session })),
  };
};

const runner = (worker: Remote, { session, inputs, outputs }: Opened): Runner => ({
  inputs,
  outputs,
  run: async (names, values, { signal, ...settings }) => {
    const given = { session, names, values: values.map(sendable), settings };
    return worker.ask("run", given, { signal }).catch((error: EdgewiseError) => {
      throw error.code === "cancelled" ? cancelled("the run", signal) : error;
    });
  },
  release: () => worker.ask("release", { session }),
});
