// What a page downloads, after brotli at its strongest, and what the package weighs. Fails over a budget. With
// `--against` beside what onnxruntime-web has a page download.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { brotli } from "./brotli.mjs";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "..");
const OURS = join(WEB, "dist");
const THEIRS = join(WEB, "node_modules/onnxruntime-web/dist");

const BUDGETS = { scripts: 25_000, cpu: 800_000, gpu: 1_000_000, packed: 20_000_000, asset: 25 * 2 ** 20 };

// A script and what it imports before anything runs.
const reached = (name, seen = new Set()) => {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(join(OURS, name), "utf8");
  for (const [, other] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) reached(other, seen);
  return seen;
};

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const scripts = (name) => sum([...reached(name)].map((file) => brotli(join(OURS, file)).length));
const against = process.argv.includes("--against");
const theirs = (name) => (against ? brotli(join(THEIRS, name)).length : undefined);

const built = (build) => existsSync(join(OURS, `edgewise-${build}.wasm`));
const rows = [
  {
    what: "JavaScript of a page",
    ours: scripts("index.js"),
    budget: BUDGETS.scripts,
    theirs: theirs("ort.webgpu.bundle.min.mjs"),
  },
  { what: "JavaScript of a worker", ours: scripts("worker.js"), budget: BUDGETS.scripts },
  {
    what: "the module for Node and edge workers, CPU",
    ours: brotli(join(OURS, "edgewise-cpu.wasm")).length,
    budget: BUDGETS.cpu,
    theirs: theirs("ort-wasm-simd-threaded.wasm"),
  },
  ...["simd", "simd-threads", "relaxed", "relaxed-threads"].filter(built).map((build) => ({
    what: `the module of a page, CPU and WebGPU: ${build}`,
    ours: brotli(join(OURS, `edgewise-${build}.wasm`)).length,
    budget: BUDGETS.gpu,
    theirs: theirs("ort-wasm-simd-threaded.asyncify.wasm"),
  })),
];

const files = readdirSync(OURS).map((name) => join(OURS, name));
const packed = files
  .filter((file) => statSync(file).isFile())
  .map((file) => gzipSync(readFileSync(file)).length);
const largest = Math.max(...files.map((file) => statSync(file).size));
rows.push({ what: "the package, packed", ours: sum(packed), budget: BUDGETS.packed });
rows.push({ what: "the largest file of it, as it is", ours: largest, budget: BUDGETS.asset });

const bytes = (n) => (n === undefined ? "" : n.toLocaleString("en"));
console.log(`| What | Bytes | Budget | onnxruntime-web | Ratio |\n|---|---|---|---|---|`);
for (const { what, ours, budget, theirs } of rows) {
  const ratio = theirs ? (ours / theirs).toFixed(2) : "";
  console.log(`| ${what} | ${bytes(ours)} | ${bytes(budget)} | ${bytes(theirs)} | ${ratio} |`);
}
for (const { what } of rows.filter(({ ours, budget }) => ours > budget)) {
  console.error(`over its budget: ${what}`);
  process.exitCode = 1;
}
