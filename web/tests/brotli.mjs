// Files after brotli at its strongest, as a good server sends them; run by itself with a file's name, it says how many
// bytes that is. What was compressed once is kept below the target
// folder, since a large module takes a minute.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const KEPT = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "brotli");

export const brotli = (file) => {
  const bytes = readFileSync(file);
  const kept = join(KEPT, createHash("sha256").update(bytes).digest("hex"));
  if (existsSync(kept)) return readFileSync(kept);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const compressed = brotliCompressSync(bytes, { params });
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(kept, compressed);
  return compressed;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(brotli(process.argv[2] ?? "").length);
