// Makes `dist`: the scripts as pages load them, their types, and the modules beside them.
//
// `wasm` holds what `cargo xtask web` has built: the modules, and the JavaScript around each kind of them.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const path = (...names) => join(here, ...names);

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  splitting: true,
  minify: true,
  sourcemap: true,
  legalComments: "none",
  loader: { ".wgsl": "text" },
  outdir: path("dist"),
  // Beside the modules, which are found from where a script lies.
  chunkNames: "[name]-[hash]",
  logLevel: "warning",
};

rmSync(path("dist"), { recursive: true, force: true });
mkdirSync(path("dist"));

const browser = { "#module": path("wasm/edgewise.js"), "#platform": path("ts/platform/browser.ts") };
// Each by itself: a page, its worker and its threads are different downloads, and fewer parts are smaller ones.
for (const names of [["index", "backend", "cache", "eager"], ["worker"], ["thread"]]) {
  await build({ ...common, entryPoints: names.map((name) => path(`ts/${name}.ts`)), alias: browser });
}

const node = { "#module": path("wasm/edgewise-cpu.js"), "#platform": path("ts/platform/node.ts") };
await build({
  ...common,
  entryPoints: [path("ts/node.ts")],
  alias: node,
  platform: "node",
  splitting: false,
});

for (const name of readdirSync(path("wasm")).filter((name) => name.endsWith(".wasm"))) {
  copyFileSync(path("wasm", name), path("dist", name));
}

const types = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", "ts"];
execFileSync("npx", ["tsc", ...types, "--outDir", "dist", "-p", "tsconfig.build.json"], {
  cwd: here,
  stdio: "inherit",
});
