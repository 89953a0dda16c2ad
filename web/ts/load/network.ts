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
  const line = new Line(start, options);
  const [, pieces] = await peek(line, FIRST);
  const { length, size, version } = line.connection;
  return { offset: start.offset, length, size, version, pieces };
};

const FIRST = 1 << 16;
/** After so many bytes a connection was good, and the next one that breaks may be tried as often again. */
const GOOD = 1 << 20;
const FIRST_DELAY = 250;

// Pieces of one connection after the other.
class Line implements Pieces {
  connection: Connection;
  #options: Fetching;
  #attempts = 0;
  #good: number;
  #stopped = false;
  #halt = new AbortController();

  constructor(connection: Connection, options: Fetching) {
    this.connection = connection;
    this.#options = options;
    this.#good = connection.offset;
  }

  async read(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = await this.connection.body.read(most).catch(failure);
      if (this.#stopped) return undefined;
      if (piece instanceof Uint8Array) return this.#count(piece);
      if (piece === undefined && isWhole(this.connection)) return undefined;
      await this.#recover(piece ?? new Error("the server ended the connection"));
      if (this.#stopped) return undefined;
    }
  }

  again(piece: Uint8Array): void {
    this.connection.body.again(piece);
  }

  cancel(reason?: unknown): Promise<void> {
    this.#stopped = true;
    this.#halt.abort(reason);
    return this.connection.body.cancel(reason);
  }

  #count(piece: Uint8Array): Uint8Array {
    const { length } = this.connection;
    const offset = this.connection.offset + piece.length;
    if (length !== undefined && offset > length) throw tooMuch(this.connection);
    this.connection = { ...this.connection, offset };
    if (offset - this.#good >= GOOD) [this.#attempts, this.#good] = [0, offset];
    return piece;
  }

  // Makes the next connection.
  async #recover(error: Error): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#halt.abort(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      if (signal?.aborted) stop();
      await this.#try(error);
      if (this.#stopped) await this.connection.body.cancel();
    } catch (error) {
      if (!this.#stopped) throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async #try(error: Error): Promise<void> {
    const { retries = 4, timeout } = this.#options;
    const patience = { signal: this.#halt.signal, timeout };
    const { url } = this.connection;
    let last = error;
    while (this.#attempts < retries) {
      await sleep(FIRST_DELAY * 2 ** this.#attempts++, url, this.#halt.signal);
      const went = await this.#next(patience).catch(failure);
      if (typeof went === "string") throw broken(this.connection, error, `the rest cannot be had: ${went}`);
      if (!(went instanceof Error)) {
        this.connection = went;
        return;
      }
      last = went;
    }
    throw broken(this.connection, last, `${retries} attempts to go on failed`);
  }

  #next(patience: Patience): Promise<Connection | string> {
    if (this.connection.offset > 0) return goOn(this.connection, this.#options, patience);
    return begin(this.connection.url, this.#options, patience);
  }
}

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
