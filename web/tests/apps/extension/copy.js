// A page of an extension of Manifest V3.
import { build } from "esbuild";
import { copyFileSync, cpSync } from "node:fs";

await build({ entryPoints: ["main.js"], bundle: true, format: "esm", outdir: "out", logLevel: "warning" });
cpSync("node_modules/edgewise/dist", "out", { recursive: true, filter: (file) => !file.endsWith(".map") });
for (const file of ["index.html", "manifest.json"]) copyFileSync(file, `out/${file}`);
