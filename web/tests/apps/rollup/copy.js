// Rollup leaves `new URL("./x.wasm", import.meta.url)` as it is. So the package's files go where the bundle is.
import { copyFileSync, cpSync } from "node:fs";

cpSync("node_modules/edgewise/dist", "out", { recursive: true, filter: (file) => !file.endsWith(".map") });
copyFileSync("index.html", "out/index.html");
