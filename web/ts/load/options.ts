// What loading is asked for, and what comes of it.
import type { CacheChoice } from "./cache/open";
import type { Pieces } from "./pieces";
import type { Progress, Stage } from "./progress";
import type { Fetching } from "./request";

/** How to open a model. */
export interface Opening extends Fetching {
  /** Each piece has memory of its own, which is never used again; views of the caller's bytes are theirs. */
  kept?: boolean | undefined;
  progress?: ((progress: Progress) => void) | undefined;
  /** The SHA-256 that the bytes must have: `sha256-` and base64, or hexadecimal digits. */
  integrity?: string | undefined;
  /** Any bytes may come, not only those of a model: weights beside one. */
  raw?: boolean | undefined;
  /** Opens a path or a `file:` URL where there are files; without it strings are addresses. */
  readFile?: ((path: string | URL) => Promise<Source>) | undefined;
  /** Whether what is downloaded is kept, and where. `false` if left out. */
  cache?: CacheChoice | undefined;
  /** Asks the server whether what is kept is still the latest version. */
  revalidate?: boolean | undefined;
  /** Hears of what went wrong with the cache; `console.warn` if left out. The model is loaded all the same. */
  warn?: ((message: string) => void) | undefined;
}

/** Bytes that come, and how many they are where that is certain. */
export interface Source {
  readonly length: number | undefined;
  readonly pieces: Pieces;
}

/** A model that comes. */
export interface Opened extends Source {
  /** The address, the file's name, or what it is. */
  readonly name: string;
}

/** A model, and where it was found. */
export interface Found extends Opened {
  readonly stage: Stage;
  /** What progress may take for the length. */
  readonly size?: number | undefined;
}
