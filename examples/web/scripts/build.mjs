// Makes `out`: the application as a folder of plain files that any server can give away.
//
// What a reader would get wrong: `files.js` is what the service worker keeps. It names every file and carries a hash
// of them all, so that a browser sees a new version exactly when a file has changed.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = join(dirname(fileURLToPath(import.meta.url)), "..");
export const OUT = join(HERE, "out");

const DIGITS = ["digits_int8.onnx", "digits_fp32.onnx"];
/** Other builds of the module, for Node; and what only developers look at. */
const UNUSED = /edgewise-cpu|node\.js|\.map$|\.d\.ts$/;
/** A page needs one of four; the service worker keeps the one that it has seen. */
const LATER = /\.wasm$|^sw\.js$/;

const filesOf = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) =>
            relative(folder, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, "/"),
        )
        .sort();

/** Copies everything to its place. */
export const build = () => {
    const edgewise = join(HERE, "node_modules/edgewise/dist");
    if (!existsSync(join(edgewise, "index.js"))) {
        throw new Error(
            "the package is not built: run `cargo xtask web` in the repository, then `npm install` here",
        );
    }
    rmSync(OUT, { recursive: true, force: true });
    cpSync(join(HERE, "app"), OUT, { recursive: true });
    for (const name of filesOf(edgewise).filter((name) => !UNUSED.test(name))) {
        cpSync(join(edgewise, name), join(OUT, "edgewise", name));
    }
    mkdirSync(join(OUT, "models"));
    for (const name of DIGITS) cpSync(join(HERE, "../../models/zoo/digits", name), join(OUT, "models", name));
    const transformers = join(HERE, "vendor/transformers.web.min.js");
    if (existsSync(transformers)) cpSync(transformers, join(OUT, "transformers/transformers.web.min.js"));
    writeFileSync(join(OUT, "files.js"), manifest());
};

const manifest = () => {
    const hash = createHash("sha256");
    const all = filesOf(OUT);
    for (const name of all) hash.update(name).update(readFileSync(join(OUT, name)));
    const kept = all.filter((name) => !LATER.test(name));
    return `self.VERSION = "${hash.digest("hex").slice(0, 16)}";\nself.FILES = ${JSON.stringify(kept, null, 2)};\n`;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
