// Models in the origin private file system. A file lies there in parts, and beside them what is known about it: a part
// that was closed stays, whatever happens to the page, so a download goes on from there.
import { ofBlob } from "../local";
import { sha256 } from "../sha256";
import { open } from "./part";
import type { About, Entry, Key, Sink, Store, Stored } from "./store";

/** As much as a page that is closed may lose. */
const PART = 32 << 20;
const ABOUT = "about.json";

/** The folder of that name; throws where the browser gives none. */
export const openOpfs = async (name: string): Promise<Store> => {
  const root = await navigator.storage.getDirectory();
  const models = () => root.getDirectoryHandle(name, { create: true });
  await models();
  const remove = async (name: string): Promise<boolean> => {
    const removed = (await models()).removeEntry(name, { recursive: true });
    return (await unlessMissing(removed.then(() => true))) ?? false;
  };
  const get = async (key: Key): Promise<Stored | undefined> => {
    const folder = await unlessMissing((await models()).getDirectoryHandle(folderOf(key)));
    return folder && stored(folder);
  };
  const put = async (about: About, from: number): Promise<Sink> => {
    const name = folderOf(about);
    if (from === 0) await remove(name);
    const folder = await (await models()).getDirectoryHandle(name, { create: true });
    return sink(folder, about, () => remove(name));
  };
  const list = async (): Promise<Entry[]> => {
    const entries: Entry[] = [];
    for await (const folder of (await models()).values()) {
      const entry = folder.kind === "directory" ? await stored(folder) : undefined;
      if (entry) entries.push(entry);
    }
    return entries;
  };
  const clear = async () => void (await unlessMissing(root.removeEntry(name, { recursive: true })));
  return { kind: "opfs", name, get, put, delete: (key) => remove(folderOf(key)), list, clear };
};

// File names have limits that addresses have not.
const folderOf = ({ url, hash }: Key): string => sha256(`${hash ?? ""} ${url}`).slice(0, 40);

const stored = async (folder: FileSystemDirectoryHandle): Promise<Stored | undefined> => {
  const about = await readAbout(folder);
  if (about === undefined) return undefined;
  const blob = new Blob(await parts(folder));
  const whole = about.length === blob.size;
  const open = (kept: boolean) => ofBlob(blob, kept, about.url);
  return { ...about, kind: "opfs", length: blob.size, whole, saved: new Date(about.saved), open };
};

const sink = async (
  folder: FileSystemDirectoryHandle,
  about: About,
  remove: () => Promise<boolean>,
): Promise<Sink> => {
  const before = await parts(folder);
  let [number, length] = [before.length, before.reduce((sum, { size }) => sum + size, 0)];
  await writeAbout(folder, about, undefined);
  let part = await open(folder, String(number));
  const write = async (piece: Uint8Array): Promise<void> => {
    if (part.length >= PART) {
      await part.close();
      part = await open(folder, String(++number));
    }
    await part.write(piece);
    length += piece.length;
  };
  const close = async () => {
    await part.close();
    await writeAbout(folder, about, length);
  };
  const abandon = async (keep: boolean) => {
    await part.close().catch(() => {});
    if (!keep) await remove();
  };
  return { write, close, abandon };
};

// The parts that are there, in their order.
const parts = async (folder: FileSystemDirectoryHandle): Promise<File[]> => {
  const files: File[] = [];
  for (;;) {
    const handle = await unlessMissing(folder.getFileHandle(String(files.length)));
    if (handle === undefined) return files;
    files.push(await handle.getFile());
  }
};

interface Written extends About {
  /** Of the whole file, which it is only then. */
  readonly length?: number | undefined;
  readonly saved: string;
}

const writeAbout = async (folder: FileSystemDirectoryHandle, about: About, length: number | undefined) => {
  const part = await open(folder, ABOUT);
  const written: Written = { ...about, length, saved: new Date().toISOString() };
  await part.write(new TextEncoder().encode(JSON.stringify(written)));
  await part.close();
};

// Nothing where the page was closed before it was written.
const readAbout = async (folder: FileSystemDirectoryHandle): Promise<Written | undefined> => {
  const handle = await unlessMissing(folder.getFileHandle(ABOUT));
  const text = await (await handle?.getFile())?.text();
  try {
    const about: Partial<Written> | undefined = text ? JSON.parse(text) : undefined;
    return typeof about?.url === "string" ? (about as Written) : undefined;
  } catch {
    return undefined;
  }
};

const unlessMissing = <T>(promise: Promise<T>): Promise<T | undefined> =>
  promise.catch((error: unknown) => {
    if (error instanceof Error && error.name === "NotFoundError") return undefined;
    throw error;
  });
