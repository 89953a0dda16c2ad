// Runs models in this thread: the page's own, or a worker's.
//
// What a reader would get wrong: the model is fetched while the module starts. What comes before then waits, and is
// handed over at once.

import type * as module from "#module";
import { readFile } from "#platform";
import { warn } from "../api/env";
import { EdgewiseError, proceed, typed } from "../errors";
import { openModel, type ModelInput, type Opened } from "../load/model";
import { start } from "../module/start";
import type { Engine, Hearing, Settings } from "./engine";
import { deviceFor } from "./gpu";
import { model } from "./runners";

type Module = typeof module;

export const local: Engine = {
  load: async (input, settings, hearing) => {
    const opening = open(input, settings, hearing);
    const early = opening.then(readAhead);
    // Whoever fails first tells; nobody waits for the other.
    early.catch(() => {});
    try {
      const { module, threads } = await start();
      const device = await deviceFor(module, settings);
      const { opened, waiting } = await (await early)();
      const loading = new Feeding(module, opened, settings, hearing, threads, device);
      const session = await loading.run(waiting);
      return model(module, session, device);
    } catch (error) {
      opening.then(({ pieces }) => pieces.cancel(error)).catch(() => {});
      proceed("loading", hearing.signal);
      throw typed(error);
    }
  },
};

const open = (
  input: ModelInput,
  { device, open: how }: Settings,
  { signal, progress }: Hearing,
  raw = false,
): Promise<Opened> =>
  openModel(input, {
    ...how,
    integrity: raw ? undefined : how.integrity,
    warn,
    // A GPU takes weights from where they came; the CPU's are copied, so that pieces may be written again.
    kept: raw || device !== "cpu",
    raw,
    signal,
    progress,
    readFile,
  });

const AHEAD_BYTES = 1 << 18;
const PIECE_BYTES = 1 << 20;

/** Reads until what it gives is called, which hands over what has come. */
const readAhead = (opened: Opened): (() => Promise<{ opened: Opened; waiting: Uint8Array[] }>) => {
  const waiting: Uint8Array[] = [];
  let stopped = false;
  const reading = (async () => {
    while (!stopped) {
      const piece = await opened.pieces.read(AHEAD_BYTES);
      if (!piece) return;
      waiting.push(piece);
    }
  })();
  reading.catch(() => {});
  return async () => {
    stopped = true;
    await reading;
    return { opened, waiting };
  };
};

/** Feeds a model that is being loaded, and its external data. */
class Feeding {
  readonly #loading: module.Loading;

  constructor(
    module: Module,
    private readonly opened: Opened,
    private readonly settings: Settings,
    private readonly hearing: Hearing,
    threads: number,
    device: module.Device | undefined,
  ) {
    const { progress } = hearing;
    this.#loading = new module.Loading(opened.length, {
      name: opened.name,
      threads: Math.min(threads, settings.threads ?? threads),
      optimize: settings.optimize,
      freeDimensions: settings.freeDimensions,
      ...(settings.memoryLimit !== undefined && { memoryLimit: settings.memoryLimit }),
      ...(device && { device: device.share() }),
      ...(progress && { progress: (stage, loaded, total) => progress({ stage, loaded, total }) }),
    });
  }

  async run(waiting: Uint8Array[]): Promise<module.Session> {
    try {
      for (const piece of waiting) this.#push(this.opened, piece);
      await this.#feed(this.opened);
      for (const path of this.#needs()) await this.#external(path);
      return await this.#loading.finish(this.hearing.signal);
    } finally {
      this.#loading.free();
    }
  }

  // A file whose length nobody knew is understood at the end. What it needs has to be there by then.
  #needs(): string[] {
    return this.#loading.needs() ?? this.settings.external.map(({ path }) => path);
  }

  async #external(path: string): Promise<void> {
    const given = this.settings.external.find((file) => same(file.path, path));
    if (!given) {
      throw new EdgewiseError(
        "not-found",
        `the model's weights lie in '${path}', which was not given; add { path: '${path}', data: … } to externalData`,
      );
    }
    const file = await open(given.data, this.settings, this.hearing, true);
    try {
      if (file.length !== undefined) this.#loading.file(path, file.length);
      await this.#feed(file, path);
    } catch (error) {
      file.pieces.cancel(error).catch(() => {});
      throw error;
    }
  }

  async #feed(file: Opened, path?: string): Promise<void> {
    for (;;) {
      proceed("loading", this.hearing.signal);
      const piece = await file.pieces.read(PIECE_BYTES);
      if (!piece) return;
      this.#push(file, piece, path);
    }
  }

  #push({ pieces }: Opened, piece: Uint8Array, path?: string): void {
    this.#loading.push(piece, path);
    pieces.again(piece);
  }
}

const same = (a: string, b: string): boolean => a.replace(/^\.\//, "") === b.replace(/^\.\//, "");
