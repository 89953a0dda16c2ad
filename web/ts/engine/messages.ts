// What a page and its worker say to one another.
//
// What a reader would get wrong: whatever belongs to one thread is made portable first: the body of a response
// travels, the response does not; signals become a message of their own.

import { env, type WasmFlags } from "../api/env";
import type { Progress } from "../api/options";
import { EdgewiseError, type ErrorCode } from "../errors";
import type { ModelInput } from "../load/model";
import type { OnGpu, Plain, Port, Ran, RunSettings, Settings } from "./engine";

/** A model that can be sent. */
export type PortableInput =
  | string
  | ArrayBufferLike
  | ArrayBufferView
  | Blob
  | { body: ReadableStream<Uint8Array>; status: number; headers: [string, string][] };

export interface Flags {
  wasm: WasmFlags;
  logLevel: typeof env.logLevel;
  powerPreference: GPUPowerPreference | undefined;
  forceFallbackAdapter: boolean | undefined;
}

/** What runs, by its number. */
export interface Opened {
  session: number;
  inputs: Port[];
  outputs: Port[];
}

export interface Loaded extends Opened {
  device: "cpu" | "gpu";
}

/** What each call is given and what it answers. */
export interface Calls {
  load: [{ model: PortableInput; settings: Settings; flags: Flags }, Loaded];
  run: [
    { session: number; names: string[]; values: Plain[]; settings: Omit<RunSettings, "signal"> },
    Omit<Ran, "outputs"> & { outputs: Plain[] },
  ];
  summary: [{ session: number }, string];
  context: [{ session: number }, Opened];
  length: [{ session: number }, number];
  truncate: [{ session: number; length: number }, undefined];
  reset: [{ session: number }, undefined];
  fork: [{ session: number }, Opened];
  release: [{ session: number }, undefined];
}

export type Call = { [Name in keyof Calls]: { id: number; call: Name; given: Calls[Name][0] } }[keyof Calls];
export type Question = Call | { id: number; call: "cancel" };
export type Reply =
  | { id: number; answer: Calls[keyof Calls][1] }
  | { id: number; progress: Progress }
  | { id: number; code: ErrorCode; message: string };

/** A model, its parts to be handed over, and what has to move with it. */
export const portable = async (
  input: ModelInput,
): Promise<{ model: PortableInput; moved: Transferable[] }> => {
  const given = await input;
  if (given instanceof URL || typeof given === "string") {
    return { model: new URL(given, globalThis.location?.href).href, moved: [] };
  }
  if (given instanceof Response) {
    const { body, status, headers } = given;
    if (!body) throw new EdgewiseError("invalid-input", `${given.url || "the response"} has no body`);
    const about = { "X-Edgewise-Url": given.url, "X-Edgewise-Type": given.type };
    return { model: { body, status, headers: [...headers, ...Object.entries(about)] }, moved: [body] };
  }
  if (given instanceof ReadableStream) {
    return { model: { body: given, status: 200, headers: [] }, moved: [given] };
  }
  return { model: given as PortableInput, moved: [] };
};

/** The other way round. */
export const unpacked = (model: PortableInput): ModelInput => {
  if (typeof model === "object" && "body" in model) {
    const { body, status, headers } = model;
    return new Response(body, { status, headers });
  }
  return model as ModelInput;
};

/** How files are fetched, without what cannot be sent. */
export const portableOpening = ({ fetch, ...rest }: Settings["open"]): Settings["open"] => {
  if (!fetch) return rest;
  const { signal: _, headers, ...plain }: RequestInit = fetch;
  return { ...rest, fetch: { ...plain, headers: [...new Headers(headers)] } as NonNullable<typeof fetch> };
};

/** What of `env` holds for the worker too; addresses are relative to the page. */
export const flags = (): Flags => {
  const { createWorker: _, proxy: __, wasmPaths, ...wasm } = env.wasm;
  const absolute = (address: string | URL) => new URL(address, globalThis.location?.href).href;
  const paths =
    typeof wasmPaths === "string"
      ? absolute(wasmPaths)
      : wasmPaths?.wasm !== undefined && { wasm: absolute(wasmPaths.wasm) };
  const { powerPreference, forceFallbackAdapter } = env.webgpu;
  return {
    wasm: { ...wasm, ...(paths && { wasmPaths: paths }) },
    logLevel: env.logLevel,
    powerPreference,
    forceFallbackAdapter,
  };
};

/** A value that can be sent. */
export const sendable = (value: Plain | OnGpu): Plain => {
  if (value.kind !== "gpu") return value;
  throw new EdgewiseError(
    "unsupported",
    "a tensor in this page's GPU memory cannot go to a session in a worker; await getData() first, or create the " +
      "session with worker: false",
  );
};

/** The buffers in which values have their elements. */
export const buffers = (values: readonly Plain[]): ArrayBuffer[] =>
  values.flatMap((value) => {
    if (value.kind === "tensor") return value.bytes.buffer instanceof ArrayBuffer ? [value.bytes.buffer] : [];
    if (value.kind === "sequence") return buffers(value.items);
    if (value.kind === "optional") return value.value ? buffers([value.value]) : [];
    return value.kind === "map" ? buffers(value.entries.map(([, inner]) => inner)) : [];
  });
