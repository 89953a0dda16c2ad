// Downloads a resource over as many connections as it takes. It begins anew only as long as nobody has a byte of it.
import { EdgewiseError, typed } from "../errors";
import { type Patience, sleep } from "./guard";
import { type Pieces, peek } from "./pieces";
import { type Begun, type Connection, type Fetching, begin, goOn } from "./request";

/** A download. */
export interface Download extends Begun {
  /** Of the whole resource, where it is certain. */
  readonly length: number | undefined;
  /** What lies behind `offset`: of what had begun, or 0 where it had to begin anew. */
  readonly pieces: Pieces;
}

/** Begins to download, or goes on with what had `begun`. The first bytes are there when this returns. */
export const download = async (url: string, options: Fetching, begun?: Begun): Promise<Download> => {
  const went = begun && (await goOn({ ...begun, url, length: begun.size }, options));
  return downloadFrom(typeof went === "object" ? went : await begin(url, options), options);
};

/** Downloads what a connection brings. */
export const downloadFrom = async (start: Connection, options: Fetching): Promise<Download> => {
  const line = lineOf(start, options);
  const [, pieces] = await peek(line.pieces, FIRST);
  const { length, size, version } = line.connection();
  return { offset: start.offset, length, size, version, pieces };
};

const FIRST = 1 << 16;
/** After so many bytes a connection was good, and the next one that breaks may be tried as often again. */
const GOOD = 1 << 20;
const FIRST_DELAY = 250;

interface Line {
  readonly pieces: Pieces;
  /** The latest one. */
  connection(): Connection;
}

// Pieces of one connection after the other.
const lineOf = (start: Connection, options: Fetching): Line => {
  const halt = new AbortController();
  let [connection, attempts, good, stopped] = [start, 0, start.offset, false];

  const count = (piece: Uint8Array): Uint8Array => {
    const offset = connection.offset + piece.length;
    if (connection.length !== undefined && offset > connection.length) {
      void connection.body.cancel().catch(() => {});
      throw tooMuch(connection);
    }
    connection = { ...connection, offset };
    if (offset - good >= GOOD) [attempts, good] = [0, offset];
    return piece;
  };

  const next = async (error: Error): Promise<Connection> => {
    const { retries = 4, timeout } = options;
    let last = error;
    while (attempts < retries) {
      await sleep(FIRST_DELAY * 2 ** attempts++, connection.url, halt.signal);
      const went = await reconnect(connection, options, { signal: halt.signal, timeout }).catch(failure);
      if (typeof went === "string") throw broken(connection, error, `the rest cannot be had: ${went}`);
      if (!(went instanceof Error)) return went;
      last = went;
    }
    throw broken(connection, last, `${retries} attempts to go on failed`);
  };

  const recover = async (error: Error): Promise<void> => {
    const stop = () => halt.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", stop, { once: true });
    try {
      if (options.signal?.aborted) stop();
      connection = await next(error);
      if (stopped) await connection.body.cancel();
    } catch (error) {
      if (!stopped) throw error;
    } finally {
      options.signal?.removeEventListener("abort", stop);
    }
  };

  const read = async (most: number): Promise<Uint8Array | undefined> => {
    while (!stopped) {
      const piece = await connection.body.read(most).catch(failure);
      if (stopped) break;
      if (piece instanceof Uint8Array) return count(piece);
      if (piece === undefined && isWhole(connection)) break;
      await recover(piece ?? new Error("the server ended the connection"));
    }
    return undefined;
  };

  const cancel = (reason?: unknown): Promise<void> => {
    stopped = true;
    halt.abort(reason);
    return connection.body.cancel(reason);
  };
  const again = (piece: Uint8Array) => connection.body.again(piece);
  return { pieces: { read, again, cancel }, connection: () => connection };
};

// As long as nothing has come, another version is as good as this one.
const reconnect = (from: Connection, options: Fetching, patience: Patience): Promise<Connection | string> =>
  from.offset > 0 ? goOn(from, options, patience) : begin(from.url, options, patience);

// What another attempt may cure; everything else is thrown.
const failure = (error: unknown): EdgewiseError => {
  const known = typed(error, "io");
  if (known.code === "io" || known.code === "deadline-exceeded") return known;
  throw known;
};

const isWhole = ({ offset, length }: Connection): boolean => length === undefined || offset >= length;

const broken = (connection: Connection, cause: Error, why: string): EdgewiseError => {
  const code = cause instanceof EdgewiseError ? cause.code : "io";
  const what = `${connection.url}: ${come(connection)}, then it broke: ${cause.message}; ${why}; load it again`;
  return new EdgewiseError(code, what, { cause });
};

const come = ({ offset, length, size }: Connection): string => {
  const all = length ?? size;
  return all === undefined ? `${offset} bytes came` : `${offset} of ${all} bytes came`;
};

const tooMuch = ({ url, length }: Connection): EdgewiseError =>
  new EdgewiseError(
    "io",
    `${url}: more bytes came than the ${length} that the server promised; load it again`,
  );
