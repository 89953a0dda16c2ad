// Where the parts of the package are in Node, Deno and Bun: beside this file. There is one build, for the CPU.

import { open, readFile as contents } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Source } from "../load/model";
import type { ModuleSource } from "../module/fetch";

export const addresses = {
  only: "cpu" as const,
  of: async (): Promise<ModuleSource> => {
    const bytes = await contents(fileURLToPath(new URL("./edgewise-cpu.wasm", import.meta.url)));
    return new Uint8Array(bytes);
  },
};

/** A file by its path or its `file:` address. */
export const readFile = async (path: string | URL): Promise<Source> => {
  const file = await open(path instanceof URL || path.startsWith("file:") ? new URL(path) : path);
  const { size } = await file.stat();
  let ended = false;
  const read = async (most: number): Promise<Uint8Array | undefined> => {
    if (ended) return undefined;
    const { bytesRead, buffer } = await file.read(new Uint8Array(most), 0, most, null);
    if (bytesRead > 0) return buffer.subarray(0, bytesRead);
    ended = true;
    await file.close();
    return undefined;
  };
  return { length: size, pieces: { read, again() {}, cancel: () => file.close() } };
};
