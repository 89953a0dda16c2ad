// Opens a model wherever it is, as pieces. An address is fetched, and goes on where its connection broke; a response
// that the caller has fetched cannot, since nobody knows what it was asked with.
import { guarded, within } from "./guard";
import { modelOnly } from "./html";
import { bytesOf, isAddress, isHandle, isInside, isPath, resolve, unusable } from "./input";
import { fetched, ofBlob, unread, whole } from "./local";
import { download } from "./network";
import { type Pieces, ofBytes, ofStream } from "./pieces";
import { type Progress, type Stage, counted } from "./progress";
import { type Fetching, unreachable } from "./request";
import { accept, lengthOf } from "./response";

/** Whatever a model may be in. */
export type ModelInput =
  | string
  | URL
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  | Response
  | Promise<Response>
  | ReadableStream<Uint8Array>
  | FileSystemFileHandle;

export interface Opening extends Fetching {
  /** Each piece has memory of its own, which is never used again; views of the caller's bytes are theirs. */
  kept?: boolean | undefined;
  progress?: ((progress: Progress) => void) | undefined;
  /** Any bytes may come, not only those of a model: weights beside one. */
  raw?: boolean | undefined;
  /** Opens a path or a `file:` URL where there are files; without it strings are addresses. */
  readFile?: ((path: string | URL) => Promise<Source>) | undefined;
}

/** Bytes that come, and how many they are where that is certain. */
export interface Source {
  readonly length: number | undefined;
  readonly pieces: Pieces;
}

export interface Opened extends Source {
  /** The address, the file's name, or what it is. */
  readonly name: string;
}

/** Opens a model. It is there when this returns, and its first bytes are not those of something else. */
export const openModel = async (input: ModelInput, options: Opening = {}): Promise<Opened> => {
  const given = await come(input, options);
  const url = addressOf(given, options);
  const { name, stage, length, pieces } = await (url === undefined
    ? here(given, options)
    : far(url, options));
  const model = options.raw ? pieces : await modelOnly(pieces, name);
  return { name, length, pieces: counted(model, stage, length, options.progress) };
};

type Given = Exclude<ModelInput, Promise<Response>>;

interface Found extends Opened {
  readonly stage: Stage;
}

// The address of what lies in a network. What lies in this browser is known as a whole.
const addressOf = (input: Given, { readFile }: Opening): string | undefined => {
  if (!isAddress(input) || (readFile && isPath(input))) return undefined;
  const url = resolve(input);
  return isInside(url) ? undefined : url;
};

const far = async (url: string, options: Opening): Promise<Found> => {
  const { length, pieces } = await download(url, options);
  return { stage: "download", name: url, length, pieces };
};

const here = async (input: Given, options: Opening): Promise<Found> => {
  const found = await find(input, options);
  return { ...found, pieces: guarded(found.pieces, found.name, options) };
};

const find = async (input: Given, options: Opening): Promise<Found> => {
  const { kept = false, readFile } = options;
  if (isAddress(input)) {
    const name = String(input).slice(0, 200);
    if (readFile && isPath(input))
      return { stage: "read", name, ...(await readFile(input).catch(unread(name))) };
    return { stage: "read", ...ofBlob(await fetched(resolve(input)), kept), name };
  }
  if (typeof input !== "object" || input === null) throw unusable(input);
  const bytes = bytesOf(input);
  if (bytes) return { stage: "read", name: "the model", length: bytes.length, pieces: ofBytes(bytes) };
  if (input instanceof Blob) return { stage: "read", ...ofBlob(input, kept) };
  if (input instanceof Response) return ofResponse(input, kept);
  if (input instanceof ReadableStream) {
    const name = "the stream";
    return { stage: "read", name, length: undefined, pieces: ofStream(input, name, kept) };
  }
  if (!isHandle(input)) throw unusable(input);
  return { stage: "read", ...ofBlob(await input.getFile().catch(unread(input.name)), kept) };
};

const ofResponse = (response: Response, kept: boolean): Found => {
  const name = response.url || "the response";
  const length = lengthOf(response);
  const advice = "pass its URL in place of the response, and the rest is asked for";
  const pieces = whole(ofStream(accept(response, name), name, kept), name, length, advice);
  return { stage: "download", name, length, pieces };
};

// A promise that is not kept is given up, with what comes of it.
const come = async (input: ModelInput, options: Opening): Promise<Given> => {
  if (!(input instanceof Promise)) return input;
  let stop: (reason: unknown) => void = () => {};
  const stopped = new Promise<never>((_, reject) => (stop = reject));
  const name = "the response";
  return within(Promise.race([input, stopped]), name, options, stop).catch(unreachable(name));
};
