// Runs the suites in Chromium, against the package as it was built: `node tests/browser/run.mjs [--all] [SUITE…]`.
//
// `EDGEWISE_CHROMIUM` names the browser. The GPU is one in software, so what is tested is what is right, not how fast.
import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { makeModels } from "../models/make.mjs";
import { serve } from "./harness/server.mjs";
import { SUITES } from "./suites.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, "../..");
const GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
// So that tests may collect garbage, and see how much is left.
const MEMORY = ["--js-flags=--expose-gc", "--enable-precise-memory-info"];
const TEST_MS = 120_000;

const words = process.argv.slice(2);
const all = words.includes("--all");
const suites = SUITES.filter(
  ({ name, nightly }) => all || words.includes(name) || (words.length === 0 && !nightly),
);

const made = mkdtempSync(join(tmpdir(), "edgewise-browser-"));
await build({
  entryPoints: [...new Set(suites.map(({ name }) => join(HERE, `${name}.ts`)))],
  bundle: true,
  format: "esm",
  target: "es2022",
  external: [
    "edgewise",
    "edgewise/backend",
    "@huggingface/transformers",
    "onnxruntime-common",
    "onnxruntime-web/wasm",
    "onnxruntime-web/webgpu",
  ],
  sourcemap: "inline",
  loader: { ".wgsl": "text" },
  outdir: made,
});

const MODELS = join(WEB, "../target/web-models");
makeModels(MODELS);

const server = await serve({
  harness: join(HERE, "harness"),
  package: WEB,
  npm: join(WEB, "node_modules"),
  // The same once more, for pages that need a second copy of a library.
  reference: join(WEB, "node_modules"),
  models: MODELS,
  suites: made,
  zoo: join(WEB, "../models/zoo"),
  examples: join(WEB, "../examples"),
});
const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...GPU, ...MEMORY] });

let [passed, failed] = [0, 0];
const tell = (why, line) => {
  console.log(
    why === undefined ? `ok      ${line}` : `FAILED  ${line}\n        ${why.replaceAll("\n", "\n        ")}`,
  );
  why === undefined ? passed++ : failed++;
};

for (const { name, isolated, way } of suites) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const told = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && told.push(message.text()));
  page.on("pageerror", (error) => told.push(String(error)));
  const where = [name, way, isolated && "isolated"].filter(Boolean).join(", ");
  try {
    const origin = isolated ? server.isolated : server.plain;
    await page.goto(`${origin}/harness/page.html?suite=${name}&way=${way ?? ""}`);
    await page.waitForFunction(() => window.ready, undefined, { timeout: 30_000 });
  } catch (error) {
    tell([String(error), ...told].join("\n"), `${where}: the page`);
    continue;
  }
  for (const test of await page.evaluate(() => window.names)) {
    const began = performance.now();
    const why = await within(
      TEST_MS,
      page.evaluate((test) => window.runTest(test), test),
    ).catch(String);
    tell(
      why && [why, ...told].join("\n"),
      `${where}: ${test} (${((performance.now() - began) / 1e3).toFixed(2)} s)`,
    );
    told.length = 0;
  }
  await context.close();
}

async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${milliseconds / 1e3} s`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

await browser.close();
server.close();
rmSync(made, { recursive: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
