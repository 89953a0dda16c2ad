// A service worker is one script: it can import nothing later. The modules lie beside it.
import { build } from "esbuild";
import { copyFileSync, cpSync } from "node:fs";

await build({
  entryPoints: ["service-worker.js"],
  bundle: true,
  format: "esm",
  outdir: "out",
  logLevel: "warning",
});
cpSync("node_modules/edgewise/dist", "out", { recursive: true, filter: (file) => !file.endsWith(".map") });
for (const file of ["index.html", "page.js"]) copyFileSync(file, `out/${file}`);
