// No bundler: the package's files lie beside the page, and an import map says where.
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";

cpSync("node_modules/edgewise/dist", "out/edgewise", { recursive: true });
const map = `<script type="importmap">{ "imports": { "edgewise": "./edgewise/index.js" } }</script>`;
const page = readFileSync("index.html", "utf8").replace("<script", `${map}\n  <script`);
writeFileSync("out/index.html", page);
for (const file of ["main.js", "digit.js"]) copyFileSync(file, `out/${file}`);
