// What a cache that fails has to say, and what to do about it.
import { EdgewiseError, typed } from "../../errors";

/** Tells of what went wrong with the cache of a file; what the caller did wrong, or wanted to end, is thrown. */
export const warning =
  (url: string, warn: (message: string) => void = console.warn) =>
  (error: unknown): undefined => {
    const known = typed(error, "io");
    if (known.code === "invalid-input" || known.code === "cancelled") throw known;
    warn(`${url}: ${advice(known)}`);
    return undefined;
  };

const advice = (error: EdgewiseError): string => {
  if (isQuota(error) || isQuota(error.cause)) {
    const how = "make some by `cacheClear()` or `cacheDelete(url)`";
    return `it is not kept, since there is no room for it (${error.message}); ${how}`;
  }
  if (error.code === "unsupported") {
    const where = "private windows, pages without https and Node have no cache; leave out `cache` there";
    return `it is not kept, since there is no cache here (${error.message}); ${where}`;
  }
  return `the cache could not be used (${error.message}); the model is loaded all the same`;
};

const isQuota = (error: unknown): boolean => error instanceof Error && error.name === "QuotaExceededError";
