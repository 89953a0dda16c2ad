// esbuild leaves `new URL("./x.wasm", import.meta.url)` as it is. So the package's files go where the bundle is.
import { build } from "esbuild";
import { copyFileSync, cpSync } from "node:fs";

await build({ entryPoints: ["main.js"], bundle: true, format: "esm", outdir: "out", logLevel: "warning" });
cpSync("node_modules/edgewise/dist", "out", { recursive: true, filter: (file) => !file.endsWith(".map") });
copyFileSync("index.html", "out/index.html");
