// Opens the files of one model one after the other, the next one while the last is read: a server may take few
// connections at once, and one whose bytes nobody reads holds its own.
import { type ModelInput, openModel } from "./model";
import type { Opened, Opening } from "./options";

/** One of several files. */
export interface ModelFile extends Pick<Opening, "integrity" | "raw"> {
  readonly input: ModelInput;
  /** How many bytes it has, where the caller knows: then progress knows the sum from the beginning. */
  readonly length?: number | undefined;
}

/** Opens files in their order, with one progress over all of them. Leaving the loop cancels what is open. */
export async function* openAll(
  files: readonly ModelFile[],
  options: Opening = {},
): AsyncGenerator<Opened, void, void> {
  const openNext = opener(files, options);
  let [now, ahead] = [openNext(), undefined as Promise<Opened> | undefined];
  try {
    for (; now !== undefined; now = ahead) {
      const opened = await now;
      ahead = openNext();
      yield opened;
    }
  } finally {
    await Promise.all([close(now), close(ahead)]);
  }
}

// Opens the next file each time that it is called.
const opener = (files: readonly ModelFile[], options: Opening): (() => Promise<Opened> | undefined) => {
  const lengths = files.map(({ length }) => length);
  const loaded = files.map(() => 0);
  let next = 0;
  const open = async ({ input, integrity, raw }: ModelFile, index: number): Promise<Opened> => {
    const progress: Opening["progress"] = (told) => {
      // What is only looked through comes once more.
      if (told.stage !== "verify") loaded[index] = told.loaded;
      lengths[index] = told.total ?? lengths[index];
      options.progress?.({ stage: told.stage, loaded: sum(loaded) ?? 0, total: sum(lengths) });
    };
    const own = { integrity, raw: raw ?? options.raw };
    const opened = await openModel(input, { ...options, ...own, progress });
    lengths[index] = opened.length ?? lengths[index];
    return opened;
  };
  return () => {
    const index = next++;
    const file = files[index];
    const opened = file && open(file, index);
    // Whoever asks for it hears of its error; until then nobody has to.
    opened?.catch(() => {});
    return opened;
  };
};

const close = async (opened: Promise<Opened> | undefined): Promise<void> => {
  await opened?.then(({ pieces }) => pieces.cancel()).catch(() => {});
};

const sum = (numbers: (number | undefined)[]): number | undefined =>
  numbers.reduce((sum, number) => (sum === undefined || number === undefined ? undefined : sum + number), 0);
