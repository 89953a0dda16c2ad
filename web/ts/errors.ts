// What goes wrong, as callers see it: an `Error` whose `code` never changes its meaning, and whose message says what
// was expected, what came, and what to do.

/** What sort of thing went wrong. */
export type ErrorCode =
  /** The model breaks the rules of ONNX, or is no model at all. */
  | "invalid-model"
  /** An input, an option or an argument is missing, extra, or not what it must be. */
  | "invalid-input"
  /** Valid, but this build, this browser or this device does not have it. */
  | "unsupported"
  /** A file or a named thing does not exist. */
  | "not-found"
  /** Reading or writing failed: the network, a file, a cache. */
  | "io"
  /** Bytes are not those that were promised. */
  | "integrity"
  /** A limit was passed. */
  | "limit-exceeded"
  /** Memory could not be had. */
  | "out-of-memory"
  /** The caller's signal ended it. */
  | "cancelled"
  | "deadline-exceeded"
  /** A context runs already. */
  | "busy"
  /** The GPU went away. */
  | "device-lost"
  /** It was used after `dispose` or `release`. */
  | "disposed"
  /** A bug in Edgewise. */
  | "internal";

/** Something went wrong; `code` says what sort of thing. */
export class EdgewiseError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // As everything that an AbortSignal ends.
    this.name = code === "cancelled" ? "AbortError" : "EdgewiseError";
  }
}

/** The error for a signal that has told to stop; what it told is its cause. */
export const cancelled = (what: string, signal?: AbortSignal): EdgewiseError =>
  new EdgewiseError("cancelled", `${what} was cancelled`, { cause: signal?.reason });

/** Throws where a signal has told to stop. */
export const proceed = (what: string, signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw cancelled(what, signal);
};

/** An unknown error as one of ours: those of the module have a `code` of their own; those of Node are in capitals. */
export const typed = (error: unknown, code: ErrorCode = "internal"): EdgewiseError => {
  if (error instanceof EdgewiseError) return error;
  const own =
    error instanceof Error && "code" in error && /^[a-z-]+$/.test(String(error.code)) ? error.code : code;
  const message = error instanceof Error ? error.message : String(error);
  return new EdgewiseError(own as ErrorCode, message, { cause: error });
};
