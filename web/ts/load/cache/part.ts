// A file that is written from its beginning to its end. Pages write by streams, which replace the file when they are
// closed. Dedicated workers may write in place, which is faster, and is all that some browsers have.

export interface Part {
  /** How much was written. */
  readonly length: number;
  write(piece: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file for writing; what was in it is gone. */
export const open = async (folder: FileSystemDirectoryHandle, name: string): Promise<Part> => {
  const file = await folder.getFileHandle(name, { create: true });
  return canWriteInPlace(file)
    ? inPlace(await file.createSyncAccessHandle())
    : streamed(await file.createWritable());
};

/** Whether there is any way to write here. */
export const canWrite = (): boolean => {
  const files = globalThis.FileSystemFileHandle?.prototype;
  return files !== undefined && (canWriteInPlace(files) || typeof files.createWritable === "function");
};

interface SyncHandle {
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(length: number): void;
  flush(): void;
  close(): void;
}

interface InPlace {
  createSyncAccessHandle(): Promise<SyncHandle>;
}

const canWriteInPlace = (file: object): file is InPlace => "createSyncAccessHandle" in file;

const inPlace = (handle: SyncHandle): Part => {
  let length = 0;
  handle.truncate(0);
  return {
    get length() {
      return length;
    },
    write: async (piece) => {
      const written = handle.write(piece, { at: length });
      length += written;
      if (written < piece.length) throw new DOMException("the storage is full", "QuotaExceededError");
    },
    close: async () => {
      try {
        handle.flush();
      } finally {
        handle.close();
      }
    },
  };
};

/** What is written at once: each call goes to another process, which costs more than the bytes of a small piece. */
const BATCH = 2 << 20;

// Writes one batch while the next one comes.
const streamed = (stream: FileSystemWritableFileStream): Part => {
  let [length, batch, filled] = [0, new Uint8Array(BATCH), 0];
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = stream.write(batch.subarray(0, filled));
    // It fails for the one who waits for it next.
    writing.catch(() => {});
    [batch, filled] = [new Uint8Array(BATCH), 0];
  };
  const write = async (piece: Uint8Array): Promise<void> => {
    for (let rest = piece; rest.length > 0;) {
      const part = rest.subarray(0, BATCH - filled);
      batch.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
      if (filled === BATCH) await flush();
    }
    length += piece.length;
  };
  const close = async (): Promise<void> => {
    try {
      if (filled > 0) await flush();
      await writing;
    } catch (error) {
      await stream.abort().catch(() => {});
      throw error;
    }
    await stream.close();
  };
  return {
    get length() {
      return length;
    },
    write,
    close,
  };
};
