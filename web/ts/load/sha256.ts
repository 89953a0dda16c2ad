// SHA-256 of bytes as they come (FIPS 180-4). Browsers have it only for bytes that lie in memory as a whole.

// The first 32 bits of what follows the point in the roots of the first primes: square roots to begin with, cube roots
// as constants. Both roots are wanted to more digits than `Math.cbrt` promises, so they are made of integers.
const roots = (count: number, power: 2n | 3n): Int32Array => {
  const made = new Int32Array(count);
  for (let [i, n] = [0, 2]; i < count; n++) {
    if (isPrime(n)) made[i++] = Number(BigInt.asIntN(32, root(BigInt(n) << (32n * power), power)));
  }
  return made;
};

const isPrime = (n: number): boolean => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
};

// The largest integer whose power is at most `n`, bit by bit.
const root = (n: bigint, power: bigint): bigint => {
  let made = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) {
    if ((made | bit) ** power <= n) made |= bit;
  }
  return made;
};

const START = roots(8, 2n);
const K = roots(64, 3n);
const BLOCK = 64;

/** A hash that is being computed. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The hash, as hexadecimal digits. Nothing can be added afterwards. */
  hex(): string;
}

/** Begins a hash. */
export const startSha256 = (): Sha256 => {
  const state = START.slice();
  const words = new Int32Array(64);
  // What does not fill a block yet.
  const rest = new Uint8Array(BLOCK);
  let length = 0;
  const update = (bytes: Uint8Array): void => {
    const filled = length % BLOCK;
    length += bytes.length;
    let from = 0;
    if (filled > 0) {
      from = Math.min(BLOCK - filled, bytes.length);
      rest.set(bytes.subarray(0, from), filled);
      if (filled + from < BLOCK) return;
      compress(state, words, rest, 0, BLOCK);
    }
    const to = bytes.length - ((bytes.length - from) % BLOCK);
    compress(state, words, bytes, from, to);
    rest.set(bytes.subarray(to));
  };
  const hex = (): string => {
    update(ending(length));
    return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  };
  return { update, hex };
};

// What fills the last block: a bit, zeros, and the number of bits.
const ending = (length: number): Uint8Array => {
  const blocks = new Uint8Array(length % BLOCK < BLOCK - 8 ? BLOCK : 2 * BLOCK);
  const view = new DataView(blocks.buffer);
  const bits = length * 8;
  view.setUint8(length % BLOCK, 0x80);
  view.setUint32(blocks.length - 8, bits / 2 ** 32);
  view.setUint32(blocks.length - 4, bits);
  return blocks.subarray(length % BLOCK);
};

/** The hash of a text's UTF-8. */
export const sha256 = (text: string): string => {
  const hash = startSha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex();
};

// Takes the blocks from `from` up to `to`. The eight variables are the standard's, the rotations are written out:
// this is where all the time goes.
const compress = (
  state: Int32Array,
  words: Int32Array,
  bytes: Uint8Array,
  from: number,
  to: number,
): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let h0 = state[0] ?? 0;
  let h1 = state[1] ?? 0;
  let h2 = state[2] ?? 0;
  let h3 = state[3] ?? 0;
  let h4 = state[4] ?? 0;
  let h5 = state[5] ?? 0;
  let h6 = state[6] ?? 0;
  let h7 = state[7] ?? 0;
  for (let at = from; at < to; at += BLOCK) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15] ?? 0;
      const y = words[i - 2] ?? 0;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[i] = ((words[i - 16] ?? 0) + s0 + (words[i - 7] ?? 0) + s1) | 0;
    }
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + (g ^ (e & (f ^ g))) + (K[i] ?? 0) + (words[i] ?? 0)) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
    h5 = (h5 + f) | 0;
    h6 = (h6 + g) | 0;
    h7 = (h7 + h) | 0;
  }
  state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
};
