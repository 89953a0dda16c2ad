// One writer for each file, of all tabs and workers of an origin where the browser has locks, of this thread otherwise.
// Nobody waits: whoever writes may wait for a reader that waits for us.

/** Gives what releases it; nothing where somebody else has it. */
export const lock = (name: string): Promise<(() => void) | undefined> => {
  const locks = globalThis.navigator?.locks;
  return locks ? shared(locks, name) : Promise.resolve(own(name));
};

const shared = (locks: LockManager, name: string): Promise<(() => void) | undefined> =>
  new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | void => {
      if (lock !== null) return new Promise<void>((release) => resolve(release));
      resolve(undefined);
    };
    locks.request(name, { ifAvailable: true }, hold).catch(reject);
  });

const held = new Set<string>();

const own = (name: string): (() => void) | undefined => {
  if (held.has(name)) return undefined;
  held.add(name);
  return () => held.delete(name);
};
