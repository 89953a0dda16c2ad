// Holds bytes to the hash that was promised. Nobody may have all of wrong bytes, so the last piece waits until the hash
// is known.
import { EdgewiseError } from "../errors";
import type { Pieces } from "./pieces";
import { startSha256 } from "./sha256";

/** The hexadecimal digits of a hash that is written as in `integrity` attributes, or so. */
export const hashOf = (integrity: string): string => {
  const text = integrity.trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  const digits = /^sha256-([A-Za-z0-9+/_-]{43})=?$/.exec(text)?.[1];
  if (digits === undefined) {
    const expected = "expected `sha256-` and 44 digits of base64, or 64 hexadecimal digits";
    throw new EdgewiseError("invalid-input", `integrity: "${text}" is no SHA-256, ${expected}`);
  }
  const bytes = atob(digits.replaceAll("-", "+").replaceAll("_", "/"));
  return [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
};

/** The same pieces; the last one comes only where the hash of all of them is the right one. */
export const verified = (pieces: Pieces, hash: string, name: string): Pieces => {
  const sum = startSha256();
  let [held, ended]: [Uint8Array | undefined, boolean] = [undefined, false];
  const take = async (most: number): Promise<Uint8Array | undefined> => {
    const piece = await pieces.read(most);
    if (piece) sum.update(piece);
    return piece;
  };
  const read = async (most: number): Promise<Uint8Array | undefined> => {
    if (ended) return undefined;
    held ??= await take(most);
    const next = await take(most);
    if (ended) return undefined;
    const piece = held;
    held = next;
    if (next === undefined) {
      ended = true;
      check(sum.hex(), hash, name);
    }
    return piece;
  };
  const cancel = (reason?: unknown) => {
    ended = true;
    return pieces.cancel(reason);
  };
  return { read, again: (piece) => pieces.again(piece), cancel };
};

const check = (came: string, hash: string, name: string): void => {
  if (came === hash) return;
  const advice = "the file was changed, or `integrity` is that of another version";
  throw new EdgewiseError("integrity", `${name}: expected the SHA-256 ${hash}, came ${came}; ${advice}`);
};

/** Whether pieces have that hash. They are gone afterwards. */
export const verifies = async (pieces: Pieces, hash: string): Promise<boolean> => {
  const sum = startSha256();
  for (let piece = await pieces.read(PIECE); piece; piece = await pieces.read(PIECE)) {
    sum.update(piece);
    pieces.again(piece);
  }
  return sum.hex() === hash;
};

const PIECE = 1 << 20;
