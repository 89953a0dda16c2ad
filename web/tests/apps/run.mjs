// Installs the packed package into each fixture application, builds that, and opens it in Chromium:
// `node tests/apps/run.mjs PACKAGE.tgz [APP…]`.
//
// What a reader would get wrong: nothing here is resolved from the repository. What is tested is what npm has packed.
import { execFileSync } from "node:child_process";
import { cpSync, copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "../browser/harness/server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");
const HOME = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "apps");
const EXPECTED = "read 3 3 3";
const WAIT_MS = 60_000;

const [tarball, ...words] = process.argv.slice(2);
const isApp = (name) =>
    statSync(join(HERE, name)).isDirectory() && (words.length === 0 || words.includes(name));
const apps = readdirSync(HERE).filter(isApp);

// Builds an application in a folder of its own; what it needs stays there for the next time.
const build = (app) => {
    const folder = join(HOME, app);
    mkdirSync(folder, { recursive: true });
    rmSync(join(folder, "out"), { recursive: true, force: true });
    cpSync(join(HERE, app), folder, { recursive: true });
    for (const file of ["main.js", "index.html"]) copyFileSync(join(HERE, file), join(folder, file));
    const npm = (...args) => execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    rmSync(join(folder, "node_modules/edgewise"), { recursive: true, force: true });
    npm(
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
        "--no-save",
        resolve(tarball),
    );
    npm("run", "--silent", "build");
    copyFileSync(join(ROOT, "models/zoo/digits/digits_int8.onnx"), join(folder, "out/digits.onnx"));
    return join(folder, "out");
};

const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...gpu] });

// What the page's title becomes; and how many modules it has fetched.
const open = async (address, requests) => {
    const page = await browser.newPage();
    const told = [];
    page.on("console", (message) => message.type() === "error" && told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    requests.length = 0;
    await page.goto(`${address}/app/index.html`);
    const changed = () => /^(read|failed)/.test(document.title);
    await page
        .waitForFunction(changed, undefined, { timeout: WAIT_MS })
        .catch((error) => told.push(String(error)));
    const title = await page.title();
    await page.close();
    const modules = new Set(requests.filter((path) => path.endsWith(".wasm")));
    if (title === EXPECTED && modules.size !== 1)
        told.push(`it fetched ${modules.size} modules: ${[...modules]}`);
    else if (title === EXPECTED) return undefined;
    return [title, ...told].join("\n");
};

let [passed, failed] = [0, 0];
for (const app of apps) {
    const began = performance.now();
    try {
        const server = await serve({ app: build(app) });
        for (const kind of ["plain", "isolated"]) {
            const why = await open(server[kind], server.requests);
            if (why) throw new Error(`${kind}: ${why}`);
        }
        server.close();
        console.log(`ok      ${app} (${((performance.now() - began) / 1e3).toFixed(1)} s)`);
        passed++;
    } catch (error) {
        const said = [error.message, error.stdout, error.stderr].filter(Boolean).join("\n");
        console.log(`FAILED  ${app}\n        ${said.replaceAll("\n", "\n        ")}`);
        failed++;
    }
}
await browser.close();
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
