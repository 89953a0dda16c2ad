// `npm run transformers`: the one file of transformers.js that the page of notes needs.
//
// What a reader would get wrong: it is not installed as a package, since that would bring two other runtimes along.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VENDOR = join(dirname(fileURLToPath(import.meta.url)), "../vendor");
const PACKAGE = "@huggingface/transformers@4.3.2";

mkdirSync(VENDOR, { recursive: true });
const run = (program, ...args) => execFileSync(program, args, { cwd: VENDOR, encoding: "utf8" }).trim();
const archive = run("npm", "pack", "--silent", PACKAGE);
const files = ["package/dist/transformers.web.min.js", "package/LICENSE"];
run("tar", "xzf", archive, "--strip-components=1", ...files);
run("mv", "dist/transformers.web.min.js", "transformers.web.min.js");
rmSync(join(VENDOR, archive));
rmSync(join(VENDOR, "dist"), { recursive: true });
console.log(`${PACKAGE} is in vendor; now: npm start`);
