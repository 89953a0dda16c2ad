// One request for a resource, or for the rest of one. Bytes that were handed out cannot be taken back, so the rest
// counts only where the server proves that it belongs to the same bytes.
import { EdgewiseError, typed } from "../errors";
import { type Patience, guarded, within } from "./guard";
import { type Pieces, ofStream } from "./pieces";
import { type Version, accept, alike, goesOn, ifRange, lengthOf, sizeOf, versionOf } from "./response";

/** How to fetch. */
export interface Fetching extends Patience {
  /** What `fetch` is called with: headers, credentials, mode. */
  fetch?: Omit<RequestInit, "body" | "integrity" | "method" | "signal"> | undefined;
  /** How often to go on after a broken connection before another megabyte has come; 4 if left out. */
  retries?: number | undefined;
  kept?: boolean | undefined;
}

/** The beginning of a resource, which has come already. */
export interface Begun {
  readonly offset: number;
  /** How many bytes are sent as a whole, where that is known. It is good for comparing, not for trusting. */
  readonly size: number | undefined;
  readonly version: Version;
}

/** A connection that brings what lies behind `offset`. */
export interface Connection extends Begun {
  readonly url: string;
  /** How many bytes there are, where that is certain. */
  readonly length: number | undefined;
  readonly body: Pieces;
}

/** Asks for a resource from its beginning. */
export const begin = async (
  url: string,
  options: Fetching,
  patience: Patience = options,
): Promise<Connection> => connectionOf(url, await ask({ url, headers: {} }, options, patience), options);

/** Asks whether there is another version; gives that, and nothing where there is none. */
export const changedSince = async (
  url: string,
  { etag, modified }: Version,
  options: Fetching,
): Promise<Connection | undefined> => {
  const headers = {
    ...(etag !== undefined && { "If-None-Match": etag }),
    ...(etag === undefined && modified !== undefined && { "If-Modified-Since": modified }),
  };
  const response = await ask({ url, headers, fine: NOT_MODIFIED }, options, options);
  return response.status === NOT_MODIFIED ? undefined : connectionOf(url, response, options);
};

/** Asks for the rest; says why where the server has no rest of these bytes. */
export const goOn = async (
  from: Omit<Connection, "body">,
  options: Fetching,
  patience: Patience = options,
): Promise<Connection | string> => {
  const { url, offset, size, version } = from;
  const known = ifRange(version);
  // Browsers ask servers of other origins whether they allow this header, and few do. Versions are compared anyway.
  const headers = { Range: `bytes=${offset}-`, ...(known && isOwn(url) && { "If-Range": known }) };
  const response = await ask({ url, headers, fine: NO_SUCH_RANGE }, options, patience);
  const changed = !alike(version, versionOf(response));
  if (response.status === 206 && goesOn(response, offset, size) && !changed) {
    return { ...from, body: bodyOf(response, url, options) };
  }
  await response.body?.cancel().catch(() => {});
  if (changed) return "the file has changed meanwhile";
  return response.status === 206 ? "it sent another range" : `it answered ${response.status} in place of 206`;
};

const bodyOf = (response: Response, url: string, options: Fetching): Pieces =>
  guarded(ofStream(accept(response, url), url, options.kept ?? false), url, options);

const connectionOf = (url: string, response: Response, options: Fetching): Connection => {
  const body = bodyOf(response, url, options);
  return {
    url,
    offset: 0,
    size: sizeOf(response),
    length: lengthOf(response),
    version: versionOf(response),
    body,
  };
};

const NOT_MODIFIED = 304;
const NO_SUCH_RANGE = 416;

interface Request {
  readonly url: string;
  readonly headers: Record<string, string>;
  /** A status that is an answer, though no bytes follow. */
  readonly fine?: number;
}

const ask = async (
  { url, headers: more, fine }: Request,
  options: Fetching,
  patience: Patience,
): Promise<Response> => {
  const headers = new Headers(options.fetch?.headers);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  const controller = new AbortController();
  const asked = fetch(url, { ...options.fetch, headers, signal: controller.signal });
  const stop = (reason: unknown) => controller.abort(reason);
  const response = await within(asked, url, patience, stop).catch(unreachable(url));
  if (response.status !== fine) accept(response, url);
  return response;
};

/** The error for what could not be fetched at all. */
export const unreachable = (url: string) => (cause: unknown) => {
  if (cause instanceof EdgewiseError) throw cause;
  const advice =
    "check the network, and for another origin that its server sends Access-Control-Allow-Origin";
  throw new EdgewiseError("io", `${url}: it could not be fetched: ${typed(cause).message}; ${advice}`, {
    cause,
  });
};

// Node has no origin, and none is foreign to it.
const isOwn = (url: string): boolean =>
  globalThis.location === undefined || new URL(url).origin === globalThis.location.origin;
