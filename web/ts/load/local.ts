// Bytes that lie on this machine, in files and blobs: what they are is known, and nothing has to be asked for twice.
import { EdgewiseError, type ErrorCode, typed } from "../errors";
import { type Pieces, ofStream } from "./pieces";

/** A blob's or file's pieces. */
export const ofBlob = (
  blob: Blob,
  kept: boolean,
  name = nameOf(blob),
): { name: string; length: number; pieces: Pieces } => {
  const pieces = ofStream(blob.stream(), name, kept);
  return { name, length: blob.size, pieces: whole(pieces, name, blob.size, "it was changed or deleted") };
};

/** The blob behind `blob:` and `data:`. */
export const fetched = async (url: string): Promise<Blob> => {
  try {
    return await (await fetch(url)).blob();
  } catch (cause) {
    const name = url.slice(0, 60);
    const advice = "expected one that was not revoked, and whole";
    throw new EdgewiseError("not-found", `${name}: there is nothing behind this address; ${advice}`, {
      cause,
    });
  }
};

/** Throws where pieces end too early. */
export const whole = (pieces: Pieces, name: string, length: number | undefined, why: string): Pieces => {
  let [sum, stopped] = [0, false];
  return {
    read: async (most) => {
      const piece = await pieces.read(most);
      sum += piece?.length ?? 0;
      if (piece !== undefined || stopped || length === undefined || sum >= length) return piece;
      throw new EdgewiseError("io", `${name}: ${sum} of ${length} bytes came; ${why}`);
    },
    again: (piece) => pieces.again(piece),
    cancel: (reason) => {
      stopped = true;
      return pieces.cancel(reason);
    },
  };
};

/** What a file system says when a file cannot be opened. */
export const unread = (name: string) => (cause: unknown) => {
  if (cause instanceof EdgewiseError) throw cause;
  const { code, advice } = reason(cause);
  throw new EdgewiseError(code, `${name}: it could not be opened: ${typed(cause).message}; ${advice}`, {
    cause,
  });
};

const reason = (cause: unknown): { code: ErrorCode; advice: string } => {
  const says = (word: string) =>
    cause instanceof Error && (cause.name === word || Object(cause).code === word);
  if (says("NotFoundError") || says("ENOENT")) return { code: "not-found", advice: "check the path" };
  if (says("NotAllowedError"))
    return { code: "io", advice: "ask for permission by `requestPermission` first" };
  return { code: "io", advice: "check that it is a file which may be read" };
};

const nameOf = (blob: Blob): string =>
  "name" in blob && typeof blob.name === "string" ? blob.name : "the blob";
