// Runs the unit tests in Node: `node tests/run.mjs [WORD…]`, those whose files have a word in their names.
import { build } from "esbuild";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const wanted = (name) => name.endsWith(".test.ts") && words.every((word) => name.includes(word));
const files = readdirSync(join(here, "unit")).filter(wanted);

const outdir = mkdtempSync(join(tmpdir(), "edgewise-unit-"));
await build({
  entryPoints: files.map((name) => join(here, "unit", name)),
  alias: {
    "#platform": join(here, "../ts/platform/node.ts"),
    "#module": join(here, "../wasm/edgewise-cpu.js"),
  },
  bundle: true,
  loader: { ".wgsl": "text" },
  // What checks for browsers import when they run; here they are only read.
  external: ["edgewise/backend"],
  format: "esm",
  platform: "node",
  sourcemap: "inline",
  outExtension: { ".js": ".mjs" },
  outdir,
});

// Where tests find what they read, as they run from elsewhere.
process.env.EDGEWISE_WEB = join(here, "..");
const made = files.map((name) => join(outdir, basename(name, ".ts") + ".mjs"));
const tests = run({ files: made, concurrency: true });
tests.on("test:fail", () => (process.exitCode = 1));
tests.compose(new spec()).pipe(process.stdout);
tests.on("end", () => rmSync(outdir, { recursive: true }));
