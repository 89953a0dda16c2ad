// Writes pieces into a store while they are handed out. A store that fails costs nobody the model: it is warned of, and
// the pieces go on coming.
import { EdgewiseError } from "../../errors";
import type { Pieces } from "../pieces";
import type { Sink } from "./store";

/** A sink that may fail: `failed` hears of it once, and nothing more is written. */
export const unfailing = (sink: Sink, failed: (error: unknown) => void): Sink => {
  let ended = false;
  const unless = async (act: () => Promise<void>): Promise<void> => {
    if (ended) return;
    try {
      await act();
    } catch (error) {
      ended = true;
      await sink.abandon(false).catch(() => {});
      failed(error);
    }
  };
  return {
    write: (piece) => unless(() => sink.write(piece)),
    close: () => unless(() => sink.close()),
    abandon: (keep) => unless(() => sink.abandon(keep)),
  };
};

/** The same pieces, written before they are handed out. */
export const written = (pieces: Pieces, sink: Sink): Pieces => ({
  read: async (most) => {
    const piece = await pieces.read(most);
    if (piece) await sink.write(piece);
    return piece;
  },
  again: (piece) => pieces.again(piece),
  cancel: (reason) => pieces.cancel(reason),
});

/** One after the other. */
export const joined = (first: Pieces, second: Pieces): Pieces => {
  let now = first;
  return {
    read: async (most) => {
      const piece = await now.read(most);
      if (piece || now === second) return piece;
      now = second;
      return now.read(most);
    },
    again: (piece) => now.again(piece),
    cancel: async (reason) => {
      await Promise.all([first.cancel(reason), second.cancel(reason)]);
      now = second;
    },
  };
};

/** The same pieces; `end` is called once, with why they ended: nothing where they are whole. */
export const ending = (pieces: Pieces, end: (error: unknown) => Promise<void>): Pieces => {
  let ended: Promise<void> | undefined;
  return {
    read: async (most) => {
      try {
        const piece = await pieces.read(most);
        if (piece === undefined) await (ended ??= end(undefined));
        return piece;
      } catch (error) {
        await (ended ??= end(error));
        throw error;
      }
    },
    again: (piece) => pieces.again(piece),
    cancel: async (reason) => {
      // What waits for a piece is answered as at an end, which this is not.
      ended ??= end(reason ?? new EdgewiseError("cancelled", "loading was cancelled"));
      await pieces.cancel(reason);
      await ended;
    },
  };
};
