// Loads by way of a cache: what is there is not downloaded, what is downloaded is written while it comes. A cache that
// fails costs nobody the model, so whatever goes wrong with it is a warning.
import { EdgewiseError } from "../../errors";
import { guarded } from "../guard";
import { verified, verifies } from "../integrity";
import { type Download, download, downloadFrom } from "../network";
import type { Found, Opening } from "../options";
import { counted } from "../progress";
import { type Begun, type Connection, changedSince } from "../request";
import { ifRange } from "../response";
import { checked, modelOnly } from "../sound";
import { lock } from "./lock";
import { type CacheChoice, openStore } from "./open";
import type { Key, Sink, Store, Stored } from "./store";
import { ending, joined, unfailing, written } from "./tee";
import { warning } from "./warning";

/** Finds what lies behind an address, in the cache or beyond. */
export const cached = async (
  address: string,
  hash: string | undefined,
  choice: CacheChoice,
  options: Opening,
): Promise<Found> => {
  const url = address.replace(/#.*/, "");
  const warn = warning(url, options.warn);
  const store = await openStore(choice).catch(warn);
  const job: Job = { url, hash, options, warn };
  return store === undefined
    ? found(await modelOf(await download(url, options), job), job)
    : find(store, job);
};

// A file on its way.
interface Job extends Key {
  readonly options: Opening;
  readonly warn: (error: unknown) => undefined;
}

const find = async (store: Store, job: Job): Promise<Found> => {
  const stored = await store.get(job).catch(job.warn);
  if (!stored?.whole) return fetched(store, job);
  const changed = job.options.revalidate ? await latest(stored, job) : undefined;
  if (changed) return fetched(store, job, changed);
  const sound = await soundOf(store, stored, job);
  if (sound) return fromCache(sound, job);
  await store.delete(job).catch(job.warn);
  return fetched(store, job);
};

// What the server has meanwhile. A server that does not answer has nothing better.
const latest = ({ version }: Stored, { url, options, warn }: Job): Promise<Connection | undefined> =>
  changedSince(url, version, options).catch(warn);

// Reads all of it: pieces that turn out to be wrong cannot be taken back. What was read is opened again.
const soundOf = async (store: Store, stored: Stored, job: Job): Promise<Stored | undefined> => {
  const { hash, options, url, warn } = job;
  if (hash === undefined) return stored;
  const { length, pieces } = stored.open(false);
  const watched = counted(guarded(pieces, url, options), "verify", length, options.progress);
  return (await verifies(watched, hash).catch(warn)) ? store.get(job).catch(warn) : undefined;
};

const fromCache = async (stored: Stored, { url, options }: Job): Promise<Found> => {
  const { length, pieces } = stored.open(options.kept ?? false);
  const watched = guarded(pieces, url, options);
  return { stage: "cache", name: url, length, pieces: await checked(watched, url, undefined, options) };
};

// Downloads, and writes it down where nobody else does.
const fetched = async (store: Store, job: Job, connection?: Connection): Promise<Found> => {
  const { url, options, warn } = job;
  const release = await lock(`${store.kind} ${store.name} ${job.hash ?? ""} ${url}`).catch(warn);
  try {
    const begun = release && !connection ? await partOf(store, job) : undefined;
    const coming = await (connection ? downloadFrom(connection, options) : download(url, options, begun));
    const model = await modelOf(coming, job);
    if (!release) return found(model, job);
    const sink = await sinkOf(store, model, job);
    return found(model, job, { begun: model.offset > 0 ? begun : undefined, sink, release });
  } catch (error) {
    release?.();
    throw error;
  }
};

const modelOf = async (coming: Download, { url, options }: Job): Promise<Download> =>
  options.raw || coming.offset > 0 ? coming : { ...coming, pieces: await modelOnly(coming.pieces, url) };

interface Keeping {
  /** What was there already. */
  readonly begun: Stored | undefined;
  readonly sink: Sink | undefined;
  readonly release: () => void;
}

const found = ({ length, size, pieces }: Download, { url, hash, options }: Job, keeping?: Keeping): Found => {
  const { begun, sink, release } = keeping ?? {};
  const rest = sink ? written(pieces, sink) : pieces;
  const whole = begun ? joined(guarded(begun.open(options.kept ?? false).pieces, url, options), rest) : rest;
  const sound = hash === undefined ? whole : verified(whole, hash, url);
  const end = async (error: unknown): Promise<void> => {
    await (error === undefined ? sink?.close() : sink?.abandon(isWorth(error)));
    release?.();
  };
  return { stage: "download", name: url, length, size, pieces: ending(sound, end) };
};

// What an earlier load left, where the server can be asked for the rest of just that.
const partOf = async (store: Store, job: Job): Promise<(Begun & Stored) | undefined> => {
  const stored = await store.get(job).catch(job.warn);
  if (!stored || stored.whole || !stored.length) return undefined;
  return ifRange(stored.version) || job.hash ? { ...stored, offset: stored.length } : undefined;
};

const sinkOf = async (
  store: Store,
  coming: Download,
  { url, hash, warn }: Job,
): Promise<Sink | undefined> => {
  const { length, size, version, offset } = coming;
  const about = { url, hash, size: length ?? size, certain: length !== undefined, version };
  const sink = await store.put(about, offset).catch(warn);
  return sink && unfailing(sink, warn);
};

// Whether what came before an error is good for a later load.
const isWorth = (error: unknown): boolean =>
  !(error instanceof EdgewiseError) || ["io", "deadline-exceeded", "cancelled"].includes(error.code);
