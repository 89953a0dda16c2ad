// Tells how much of a model has come.
import type { Pieces } from "./pieces";

/** Where bytes come from: the network, our cache, or memory and files that the caller has; or they are being checked. */
export type Stage = "download" | "cache" | "read" | "verify";

export interface Progress {
  readonly stage: Stage;
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all, as far as anybody says: other origins may hide that they compress, and send less than comes. */
  readonly total: number | undefined;
}

/** The same pieces, counted. */
export const counted = (
  pieces: Pieces,
  stage: Stage,
  total: number | undefined,
  progress: ((progress: Progress) => void) | undefined,
): Pieces => {
  if (progress === undefined) return pieces;
  let sum = 0;
  const read = async (most: number): Promise<Uint8Array | undefined> => {
    const piece = await pieces.read(most);
    sum += piece?.length ?? 0;
    // What is more than there should be proves that it was no total.
    const all = total !== undefined && sum <= total ? total : undefined;
    if (piece !== undefined) progress({ stage, loaded: sum, total: all });
    return piece;
  };
  return { read, again: (piece) => pieces.again(piece), cancel: (reason) => pieces.cancel(reason) };
};
