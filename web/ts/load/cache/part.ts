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

const streamed = (stream: FileSystemWritableFileStream): Part => {
  let length = 0;
  return {
    get length() {
      return length;
    },
    write: async (piece) => {
      await stream.write(piece as Uint8Array<ArrayBuffer>);
      length += piece.length;
    },
    close: () => stream.close(),
  };
};
