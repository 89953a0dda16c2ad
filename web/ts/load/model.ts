// Opens a model wherever it is, as pieces. An address is fetched, and goes on where its connection broke; a response
// that the caller has fetched cannot, since nobody knows what it was asked with.
import { guarded, within } from "./guard";
import { bytesOf, isAddress, isHandle, isInside, isPath, resolve, unusable } from "./input";
import { late } from "../late";
import { fetched, ofBlob, unread, whole } from "./local";
import { download } from "./network";
import type { Found, Opened, Opening } from "./options";
import { ofBytes, ofStream } from "./pieces";
import { counted } from "./progress";
import { unreachable } from "./request";
import { accept, lengthOf } from "./response";
import { checked } from "./sound";

export type { Opened, Opening, Source } from "./options";

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

/** Opens a model. It is there when this returns, and its first bytes are not those of something else. */
export const openModel = async (input: ModelInput, options: Opening = {}): Promise<Opened> => {
  const { integrity } = options;
  const hash = integrity === undefined ? undefined : (await late.integrity()).hashOf(integrity);
  const given = await come(input, options);
  const url = addressOf(given, options);
  const found = url === undefined ? here(given, hash, options) : far(url, hash, options);
  const { name, stage, length, size, pieces } = await found;
  return { name, length, pieces: counted(pieces, stage, length ?? size, options.progress) };
};

type Given = Exclude<ModelInput, Promise<Response>>;

// The address of what lies in a network. What lies in this browser is known as a whole.
const addressOf = (input: Given, { readFile }: Opening): string | undefined => {
  if (!isAddress(input) || (readFile && isPath(input))) return undefined;
  const url = resolve(input);
  return isInside(url) ? undefined : url;
};

const far = async (url: string, hash: string | undefined, options: Opening): Promise<Found> => {
  const { cache = false } = options;
  if (cache !== false) return (await late.cache()).cached(url, hash, cache, options);
  const { length, size, pieces } = await download(url, options);
  return { stage: "download", name: url, length, size, pieces: await checked(pieces, url, hash, options) };
};

const here = async (input: Given, hash: string | undefined, options: Opening): Promise<Found> => {
  const { name, pieces, ...found } = await find(input, options);
  return { ...found, name, pieces: await checked(guarded(pieces, name, options), name, hash, options) };
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
