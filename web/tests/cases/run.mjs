// Runs ONNX's cases in Chromium, through the package as it was built:
// `node tests/cases/run.mjs [--device cpu|gpu] [--of N] [--filter RE] [--plain] [--list-failures] [DIR]`.
//
// What a reader would get wrong: what a list in `tests/exceptions` names is skipped and must fail, and operators of the
// packs that the package leaves out are skipped. `--list-failures` gives names alone; `--plain` is for pages that may
// not share memory, and so have one thread.
import { build } from "esbuild";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { serve } from "../browser/harness/server.mjs";
import { describe, exceptions, findCases } from "./find.mjs";
import { runner } from "./pages.mjs";
import { tally } from "./tally.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, "../..");
const GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: "string", default: "cpu" },
    of: { type: "string", default: "1" },
    filter: { type: "string", default: "" },
    plain: { type: "boolean", default: false },
    "list-failures": { type: "boolean", default: false },
  },
});
const { device, filter, plain } = values;
if (device !== "cpu" && device !== "gpu") throw new Error(`--device must be cpu or gpu, not '${device}'`);
const of = Number(values.of);
if (!Number.isSafeInteger(of) || of < 1)
  throw new Error(`--of must be a number from 1 on, not '${values.of}'`);

const target = resolve(join(WEB, ".."), process.env.CARGO_TARGET_DIR ?? "target");
const root = resolve(positionals[0] ?? join(target, "cases/onnx/node"));
if (!existsSync(root)) throw new Error(`there is no folder ${root}; \`cargo xtask cases\` makes it`);
const wanted = new RegExp(filter);
const cases = findCases(root).filter((folder, i) => i % of === 0 && wanted.test(basename(folder)));

const lists = ["cpu", ...(device === "gpu" ? ["gpu"] : [])];
const listed = lists.flatMap((name) => [...exceptions(join(WEB, `../tests/exceptions/${name}.txt`))]);
const { count, end } = tally(new Map(listed), values["list-failures"]);

const suite = mkdtempSync(join(tmpdir(), "edgewise-cases-"));
await build({
  entryPoints: [join(HERE, "page.ts")],
  bundle: true,
  format: "esm",
  target: "es2022",
  external: ["edgewise"],
  sourcemap: "inline",
  outdir: suite,
});
const server = await serve({ harness: HERE, package: WEB, suite, cases: root });
const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", ...(device === "gpu" ? GPU : [])],
});

const began = performance.now();
const run = runner(browser, `${plain ? server.plain : server.isolated}/harness/page.html`);
for (const folder of cases) {
  count(basename(folder), await run({ ...describe(root, folder), device }));
}
console.log(`${cases.length} cases on the ${device} in ${((performance.now() - began) / 1e3).toFixed(0)} s`);

await browser.close();
server.close();
rmSync(suite, { recursive: true });
process.exitCode = end() ? 0 : 1;
