// Writes `docs/compatibility.md` from the table: `node tests/compat/page.mjs`.
import { build } from "esbuild";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const made = mkdtempSync(join(tmpdir(), "edgewise-compat-"));
const outfile = join(made, "render.mjs");

await build({
  entryPoints: [join(HERE, "render.ts")],
  bundle: true,
  format: "esm",
  platform: "node",
  external: ["edgewise/backend"],
  outfile,
});
const { page } = await import(outfile);
writeFileSync(join(HERE, "../../../docs/compatibility.md"), page());
rmSync(made, { recursive: true });
