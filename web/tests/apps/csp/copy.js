// A page whose policy allows nothing but its own files and WebAssembly, as pages of extensions have it. It has no
// inline scripts, so not even an import map: the package is bundled.
import { build } from "esbuild";
import { cpSync, readFileSync, writeFileSync } from "node:fs";

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:; object-src 'none'";

await build({ entryPoints: ["main.js"], bundle: true, format: "esm", outdir: "out", logLevel: "warning" });
cpSync("node_modules/edgewise/dist", "out", { recursive: true, filter: (file) => !file.endsWith(".map") });
const meta = `<meta http-equiv="Content-Security-Policy" content="${POLICY}" />`;
writeFileSync("out/index.html", readFileSync("index.html", "utf8").replace("<title>", `${meta}\n  <title>`));
