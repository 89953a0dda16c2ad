// A model's bytes as they come, piece by piece. A stream that can writes into the same memory again and again: new
// memory for each piece would cost as much as the reading. So a piece is good only until it is given back.
import { EdgewiseError, typed } from "../errors";

/** Bytes that come piece by piece. */
export interface Pieces {
  /**
   * The next bytes, never none; `undefined` behind the last. At most so many, but for the first ones, which may be 64
   * KiB, and chunks that are kept.
   */
  read(most: number): Promise<Uint8Array | undefined>;
  /** Gives a piece back, whose memory then holds a later one. Nobody has to. */
  again(piece: Uint8Array): void;
  /** Stops; a `read` that waits is answered with `undefined`. */
  cancel(reason?: unknown): Promise<void>;
}

/** Pieces of bytes that are there already: views of them, which share their memory. */
export const ofBytes = (bytes: Uint8Array): Pieces => {
  let rest = bytes;
  return {
    read: async (most) => {
      const piece = rest.subarray(0, most);
      rest = rest.subarray(piece.length);
      return piece.length > 0 ? piece : undefined;
    },
    again() {},
    cancel: async () => {
      rest = rest.subarray(rest.length);
    },
  };
};

/** Looks at the first piece, which then comes again. */
export const peek = async (pieces: Pieces, most: number): Promise<[Uint8Array | undefined, Pieces]> => {
  const first = await pieces.read(most);
  let next = first;
  const read = async (most: number): Promise<Uint8Array | undefined> => {
    if (next === undefined) return pieces.read(most);
    const piece = next;
    next = undefined;
    return piece;
  };
  const cancel = (reason?: unknown) => {
    next = undefined;
    return pieces.cancel(reason);
  };
  return [first, { read, again: (piece) => pieces.again(piece), cancel }];
};

/** Pieces of a stream. Those that are `kept` have memory of their own, as large as they are. */
export const ofStream = (stream: ReadableStream<Uint8Array>, name: string, kept: boolean): Pieces => {
  if (stream.locked) {
    const expected = "a stream that nobody reads; pass each stream once, before anything has read of it";
    throw new EdgewiseError(
      "invalid-input",
      `${name}: the stream is being read already, expected ${expected}`,
    );
  }
  if (!kept) {
    try {
      return reused(stream.getReader({ mode: "byob" }), name);
    } catch {
      // A stream of chunks, not of bytes.
    }
  }
  return chunks(stream.getReader(), name, kept);
};

// Reads into memory that was given back, where there is some of the size that is asked for.
const reused = (reader: ReadableStreamBYOBReader, name: string): Pieces => {
  const spare: ArrayBuffer[] = [];
  const buffer = (size: number): ArrayBuffer => {
    const last = spare.pop();
    return last?.byteLength === size ? last : new ArrayBuffer(size);
  };
  return {
    read: async (most) => {
      const { done, value } = await reader.read(new Uint8Array(buffer(most))).catch(failed(name));
      return done || value === undefined || value.length === 0 ? undefined : value;
    },
    again: ({ buffer }) => {
      if (buffer instanceof ArrayBuffer && spare.length < 2) spare.push(buffer);
    },
    cancel: (reason) => reader.cancel(reason),
  };
};

// Reads chunk by chunk, of whatever size the stream makes them. Large ones come in parts, unless they are kept: parts
// share the memory of the whole.
const chunks = (reader: ReadableStreamDefaultReader<Uint8Array>, name: string, kept: boolean): Pieces => {
  let rest: Uint8Array | undefined;
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await reader.read().catch(failed(name));
      if (done) return undefined;
      if (!ArrayBuffer.isView(value)) throw await refused(reader, name, value);
      if (value.length > 0) return value;
    }
  };
  return {
    read: async (most) => {
      const chunk = rest ?? (await next());
      if (chunk === undefined || kept) return chunk;
      rest = chunk.length > most ? chunk.subarray(most) : undefined;
      return chunk.subarray(0, most);
    },
    again() {},
    cancel: (reason) => {
      rest = undefined;
      return reader.cancel(reason);
    },
  };
};

const failed = (name: string) => (cause: unknown) => {
  throw cause instanceof EdgewiseError ? cause : broken(name, cause);
};

const broken = (name: string, cause: unknown): EdgewiseError =>
  new EdgewiseError("io", `${name}: the bytes stopped coming: ${typed(cause).message}`, { cause });

const refused = async (reader: ReadableStreamDefaultReader, name: string, value: unknown) => {
  const error = new EdgewiseError(
    "invalid-input",
    `${name}: the stream gave a ${typeof value}, expected Uint8Array; pass a stream of bytes`,
  );
  await reader.cancel(error).catch(() => {});
  return error;
};
