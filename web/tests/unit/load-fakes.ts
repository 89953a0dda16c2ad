// Storage as browsers have it, in memory: as much of it as our stores use. Real ones are tested in a browser.

/** What a test changes about the storage. */
export interface Faults {
  /** How many bytes it takes. */
  quota: number;
  /** What opening it throws. */
  closed?: Error | undefined;
}

const missing = () => new DOMException("it is not there", "NotFoundError");
const full = () => new DOMException("the quota is exceeded", "QuotaExceededError");

class FakeFile {
  kind = "file" as const;
  bytes = new Uint8Array();
  constructor(
    readonly name: string,
    readonly faults: Faults,
  ) {}

  async getFile(): Promise<File> {
    return Object.assign(new Blob([this.bytes]), { name: this.name }) as unknown as File;
  }

  async createWritable() {
    const parts: Uint8Array[] = [];
    return {
      write: async (piece: Uint8Array) => {
        if ((this.faults.quota -= piece.length) < 0) throw full();
        parts.push(piece.slice());
      },
      abort: async () => {},
      close: async () => void (this.bytes = new Uint8Array(Buffer.concat(parts))),
    };
  }
}

class FakeFolder {
  kind = "directory" as const;
  entries = new Map<string, FakeFolder | FakeFile>();
  constructor(readonly faults: Faults) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeFolder> {
    return this.#get(name, create, () => new FakeFolder(this.faults)) as FakeFolder;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FakeFile> {
    return this.#get(name, create, () => new FakeFile(name, this.faults)) as FakeFile;
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.entries.delete(name)) throw missing();
  }

  async *values() {
    yield* this.entries.values();
  }

  #get(name: string, create: boolean, make: () => FakeFolder | FakeFile) {
    if (!this.entries.has(name) && !create) throw missing();
    if (!this.entries.has(name)) this.entries.set(name, make());
    return this.entries.get(name);
  }
}

class FakeCache {
  stored = new Map<string, { body: Uint8Array<ArrayBuffer>; headers: [string, string][] }>();
  constructor(readonly faults: Faults) {}

  async match(request: string | { url: string }): Promise<Response | undefined> {
    const found = this.stored.get(typeof request === "string" ? request : request.url);
    return found && new Response(found.body, { headers: found.headers });
  }

  async put(url: string, response: Response): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const part of response.body ?? []) {
      if ((this.faults.quota -= part.length) < 0) throw full();
      parts.push(part);
    }
    this.stored.set(url, { body: new Uint8Array(Buffer.concat(parts)), headers: [...response.headers] });
  }

  async delete(url: string): Promise<boolean> {
    return this.stored.delete(url);
  }

  async keys() {
    return [...this.stored.keys()].map((url) => ({ url }));
  }
}

/** Puts both kinds of storage where browsers have them, while a test runs. */
export const withStorage = async <T>(use: (faults: Faults) => Promise<T>): Promise<T> => {
  const faults: Faults = { quota: Infinity };
  const [root, named] = [new FakeFolder(faults), new Map<string, FakeCache>()];
  const open = async <V>(value: () => V): Promise<V> => {
    if (faults.closed) throw faults.closed;
    return value();
  };
  const caches = {
    open: (name: string) =>
      open(() => {
        const cache = named.get(name) ?? new FakeCache(faults);
        named.set(name, cache);
        return cache;
      }),
    delete: async (name: string) => named.delete(name),
  };
  const globals = {
    caches,
    navigator: { storage: { getDirectory: () => open(() => root) } },
    FileSystemFileHandle: FakeFile,
  };
  const before = Object.keys(globals).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    return await use(faults);
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  }
};
