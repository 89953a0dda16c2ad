// Makes `dist`: the scripts as pages load them, their types, and the modules beside them.
//
// What a reader would get wrong: what a page needs at once is one file, since each further one would be asked for only
// when the one before has come. `wasm` holds what `cargo xtask web` has built: the modules, and the JavaScript around
// each kind of them.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));
const path = (...names) => join(here, ...names);
const entry = (name) => path(`ts/${name}.ts`);

const PAGE = { "#module": path("wasm/edgewise.js"), "#platform": path("ts/platform/browser.ts") };
const NODE = { "#module": path("wasm/edgewise-cpu.js"), "#platform": path("ts/platform/node.ts") };

/** Finds out which modules are there as soon as an entry is: those that it imports, and what these import. */
const reaching = (name) => {
  const reached = new Set();
  const reach = (info, id) => {
    if (reached.has(id)) return;
    reached.add(id);
    info(id)?.importedIds.forEach((other) => reach(info, other));
  };
  const buildEnd = function () {
    reach((id) => this.getModuleInfo(id), entry(name));
  };
  return { reached, plugin: { name: "reaching", buildEnd } };
};

/** Other bundlers look for addresses of files and kinds of workers in quotes, which minifying makes backticks. */
const quoting = {
  name: "quoting",
  generateBundle: (_, files) => {
    const quoted = (code) => code.replace(/(new URL\(|type:)`([^`$\\]*)`/g, '$1"$2"');
    for (const file of Object.values(files)) if (file.type === "chunk") file.code = quoted(file.code);
  },
};

/** Bundles entries; the first one has all that it needs at once, and the others share that. */
const bundle = async (names, { alias, platform }) => {
  const [first] = names;
  const { reached, plugin } = reaching(first);
  const bundled = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, entry(name)])),
    platform,
    tsconfig: false,
    resolve: { alias },
    moduleTypes: { ".wgsl": "text" },
    preserveEntrySignatures: "allow-extension",
    plugins: [plugin, quoting],
  });
  await bundled.write({
    dir: path("dist"),
    format: "esm",
    minify: true,
    sourcemap: true,
    // Beside the modules, which are found from where a script lies.
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: platform === "browser" && { groups: [{ name: first, test: (id) => reached.has(id) }] },
  });
  await bundled.close();
};

rmSync(path("dist"), { recursive: true, force: true });
mkdirSync(path("dist"));

// A page, its worker and its threads are different downloads.
await bundle(["index", "backend", "cache", "eager"], { alias: PAGE, platform: "browser" });
await bundle(["worker"], { alias: PAGE, platform: "browser" });
await bundle(["thread"], { alias: PAGE, platform: "browser" });
await bundle(["node"], { alias: NODE, platform: "node" });

for (const name of readdirSync(path("wasm")).filter((name) => name.endsWith(".wasm"))) {
  copyFileSync(path("wasm", name), path("dist", name));
}

const types = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", "ts"];
const options = { cwd: here, stdio: "inherit" };
execFileSync("npx", ["tsc", ...types, "--outDir", "dist", "-p", "tsconfig.build.json"], options);
