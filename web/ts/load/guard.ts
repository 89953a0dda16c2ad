// What ends a wait: the caller's signal, and a source from which nothing comes. The signal is let go of as soon as the
// last piece has come, so that one signal may serve a page for as long as it lives.
import { EdgewiseError, cancelled, proceed } from "../errors";
import type { Pieces } from "./pieces";

/** When to stop waiting. */
export interface Patience {
  signal?: AbortSignal | undefined;
  /** The milliseconds after which a source that gives no byte has stalled. As long as it takes, if left out. */
  timeout?: number | undefined;
}

/** Waits for a promise, and calls `stop` where the signal or the time says so; `stop` has to end it. */
export const within = async <T>(
  promise: Promise<T>,
  name: string,
  { signal, timeout }: Patience,
  stop: (reason: unknown) => void,
): Promise<T> => {
  let stalled = false;
  const abort = () => stop(signal?.reason);
  const stall = () => {
    stalled = true;
    stop(late(name, timeout));
  };
  const timer = timeout === undefined ? undefined : setTimeout(stall, timeout);
  signal?.addEventListener("abort", abort, { once: true });
  const ended = (): void => {
    proceed(`loading ${name}`, signal);
    if (stalled) throw late(name, timeout);
  };
  try {
    if (signal?.aborted) abort();
    const value = await promise;
    ended();
    return value;
  } catch (error) {
    ended();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
};

/** Pieces that stop coming when they are told to, or when they have stalled. */
export const guarded = (pieces: Pieces, name: string, patience: Patience): Pieces => ({
  read: (most) => {
    const stop = (reason: unknown) => void pieces.cancel(reason).catch(() => {});
    return within(pieces.read(most), name, patience, stop);
  },
  again: (piece) => pieces.again(piece),
  cancel: (reason) => pieces.cancel(reason),
});

/** Sleeps, unless the signal says otherwise. */
export const sleep = (ms: number, name: string, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const wake = () => {
      clearTimeout(timer);
      reject(cancelled(`loading ${name}`, signal));
    };
    const done = () => {
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", wake, { once: true });
    if (signal?.aborted) wake();
  });

const late = (name: string, timeout: number | undefined): EdgewiseError =>
  new EdgewiseError(
    "deadline-exceeded",
    `${name}: no byte came in ${timeout} ms; try again, or allow more time`,
  );
