// What a cache of models is: files by their address, which are written while they come. Both kinds that browsers have
// are behind this.
import type { Version } from "../response";
import type { Source } from "../options";

/** The cache that a browser's developer tools show, or its private file system. */
export type CacheKind = "cache-api" | "opfs";

/** What a file is found by: one address may have files of several hashes. */
export interface Key {
  /** Without a fragment. */
  readonly url: string;
  /** In hexadecimal digits. */
  readonly hash?: string | undefined;
}

/** What is known about a file. */
export interface About extends Key {
  /** How many bytes the server sends, where it said so; other origins may hide that these are compressed ones. */
  readonly size: number | undefined;
  readonly certain: boolean;
  readonly version: Version;
}

/** A file in a cache. */
export interface Entry extends About {
  readonly kind: CacheKind;
  /** How many bytes are here, where that is known. */
  readonly length: number | undefined;
  /** Whether these are all of them. */
  readonly whole: boolean;
  readonly saved: Date;
}

/** A file that can be read. */
export interface Stored extends Entry {
  open(kept: boolean): Source;
}

/** A file that is being written. */
export interface Sink {
  /** Takes a piece, whose memory may be used again when this returns. */
  write(piece: Uint8Array): Promise<void>;
  /** The file is whole. */
  close(): Promise<void>;
  /** It will not be whole. What has come is kept for later where that is wanted and the store can. */
  abandon(keep: boolean): Promise<void>;
}

export interface Store {
  readonly kind: CacheKind;
  readonly name: string;
  get(key: Key): Promise<Stored | undefined>;
  /** Begins to write; goes on behind what is there where `from` is not 0. */
  put(about: About, from: number): Promise<Sink>;
  /** Whether there was one. */
  delete(key: Key): Promise<boolean>;
  list(): Promise<Entry[]>;
  clear(): Promise<void>;
}
