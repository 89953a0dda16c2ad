// Which build of the module this engine can run: a page downloads exactly one.
//
// What a reader would get wrong: a build is chosen before anything is loaded. An engine that does not know an
// instruction refuses the whole module, so this asks about each with a module of a few bytes.

/** The builds for browsers, best first among those that an engine takes. */
export type Build = "relaxed-threads" | "simd-threads" | "relaxed" | "simd";

/** What the engine that runs this can do. */
export interface Engine {
  simd: boolean;
  relaxed: boolean;
  threads: boolean;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

// A function without parameters and results whose body is these instructions, in a module of its own.
const holding = (...body: number[]): Uint8Array<ArrayBuffer> => {
  const code = [0x00, ...body, 0x1a, 0x0b];
  const sections = [
    [0x01, 4, 1, 0x60, 0, 0],
    [0x03, 2, 1, 0],
    [0x0a, code.length + 2, 1, code.length, ...code],
  ];
  return Uint8Array.from([...HEADER, ...sections.flat()]);
};

const ZERO = [0xfd, 0x0c, ...Array<number>(16).fill(0)];
// i8x16.abs of a vector, and the relaxed dot product that kernels are made of.
const SIMD = holding(...ZERO, 0xfd, 0x60);
const RELAXED = holding(...ZERO, ...ZERO, ...ZERO, 0xfd, 0x93, 0x02);

/** Asks the engine; memory is shared only in pages that are isolated from other origins. */
export const engine = (): Engine => ({
  simd: WebAssembly.validate(SIMD),
  relaxed: WebAssembly.validate(RELAXED),
  threads: globalThis.crossOriginIsolated === true && typeof Worker === "function",
});

/** The best build for so many threads; `undefined` where the engine takes none. */
export const choose = (
  { simd, relaxed, threads }: Engine,
  wanted: { threads: number; relaxed: boolean },
): Build | undefined => {
  if (!simd) return undefined;
  const kind = relaxed && wanted.relaxed ? "relaxed" : "simd";
  return threads && wanted.threads > 1 ? `${kind}-threads` : kind;
};
