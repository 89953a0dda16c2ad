// What is often found in place of a model, told by its first bytes. No model begins so: its first byte would be the end
// of a group, which ONNX has none of.
import { EdgewiseError } from "../errors";
import { late } from "../late";
import { type Pieces, peek } from "./pieces";
import { html } from "./response";

const LFS = "version https://git-lfs";

/** What may be wrong with pieces. */
export interface Checks {
  raw?: boolean | undefined;
}

/** The same pieces; throws where they are not a model's, or not those of the hash. */
export const checked = async (
  pieces: Pieces,
  name: string,
  hash: string | undefined,
  { raw = false }: Checks,
): Promise<Pieces> => {
  const model = raw ? pieces : await modelOnly(pieces, name);
  return hash === undefined ? model : (await late.integrity()).verified(model, hash, name);
};

/** The same pieces; throws where they are a web page or the pointer to a file. */
export const modelOnly = async (pieces: Pieces, name: string): Promise<Pieces> => {
  const [first, all] = await peek(pieces, 1 << 16);
  const error = first && strange(first, name);
  if (error === undefined) return all;
  await all.cancel(error).catch(() => {});
  throw error;
};

const strange = (first: Uint8Array, name: string): EdgewiseError | undefined => {
  if (first[0] === "<".charCodeAt(0)) return html(name, "it begins with '<'");
  const text = String.fromCharCode(...first.subarray(0, LFS.length));
  const advice = "fetch the files by `git lfs pull`, or take the URL that leads to the file itself";
  return text === LFS
    ? new EdgewiseError("invalid-model", `${name}: a pointer of Git LFS came in place of a model; ${advice}`)
    : undefined;
};
