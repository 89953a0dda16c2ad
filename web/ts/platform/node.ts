// Where the parts of the package are in Node, Deno and Bun: beside this file. There is one build, for the CPU.

import { createReadStream } from "node:fs";
import { readFile as contents } from "node:fs/promises";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ModuleSource } from "../module/fetch";

export const addresses = {
  only: "cpu" as const,
  of: async (): Promise<ModuleSource> => {
    const bytes = await contents(fileURLToPath(new URL("./edgewise-cpu.wasm", import.meta.url)));
    return new Uint8Array(bytes);
  },
};

/** A file by its path or its `file:` address. */
export const readFile = async (path: string | URL): Promise<ReadableStream<Uint8Array>> => {
  const name = path instanceof URL || path.startsWith("file:") ? fileURLToPath(path) : path;
  return Readable.toWeb(createReadStream(name)) as ReadableStream<Uint8Array>;
};
