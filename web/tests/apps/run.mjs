// Installs the packed package into each fixture application, builds that, and opens it in Chromium:
// `node tests/apps/run.mjs PACKAGE.tgz [APP…]`.
//
// What a reader would get wrong: nothing here is resolved from the repository. What is tested is what npm has packed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "../browser/harness/server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");
const HOME = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "apps");
const EXPECTED = "read 3 3 3";
// What applications have in common, where they have nothing of that name themselves.
const SHARED = ["main.js", "digit.js", "index.html"];
const WAIT_MS = 60_000;

const [tarball, ...words] = process.argv.slice(2);
const isApp = (name) =>
  statSync(join(HERE, name)).isDirectory() && (words.length === 0 || words.includes(name));
const apps = readdirSync(HERE).filter(isApp);

const about = (app) => JSON.parse(readFileSync(join(HERE, app, "package.json"), "utf8"));

// Builds an application in a folder of its own; what it needs stays there for the next time.
const build = (app) => {
  const folder = join(HOME, app);
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, "out"), { recursive: true, force: true });
  for (const file of SHARED) copyFileSync(join(HERE, file), join(folder, file));
  cpSync(join(HERE, app), folder, { recursive: true });
  if (about(app).program) copyFileSync(join(HERE, "program.js"), join(folder, "main.js"));
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
  npm("run", "--silent", "--if-present", "build");
  mkdirSync(join(folder, "out"), { recursive: true });
  copyFileSync(join(ROOT, "models/zoo/digits/digits_int8.onnx"), join(folder, "out/digits.onnx"));
  return join(folder, "out");
};

const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
const args = ["--no-sandbox", ...gpu];
const browser = await chromium.launch({ executablePath, args });

/** What the title of a page becomes, and what was told on the way. */
const titleOf = async (page, address) => {
  const told = [];
  page.on("console", (message) => message.type() === "error" && told.push(message.text()));
  page.on("pageerror", (error) => told.push(String(error)));
  await page.goto(address);
  const changed = () => /^(read|failed)/.test(document.title);
  const late = (error) => told.push(String(error));
  await page.waitForFunction(changed, undefined, { timeout: WAIT_MS }).catch(late);
  return { title: await page.title(), told };
};

/** Opens an application from a server: it must say the right thing, and download one module. */
const openFrom = async (address, requests, expected) => {
  const context = await browser.newContext();
  requests.length = 0;
  const { title, told } = await titleOf(await context.newPage(), `${address}/app/index.html`);
  await context.close();
  const modules = new Set(requests.filter((path) => path.endsWith(".wasm")));
  if (modules.size !== 1) told.push(`it downloaded ${modules.size} modules: ${[...modules].join(", ")}`);
  if (title !== expected || modules.size !== 1) throw new Error([`${address}: ${title}`, ...told].join("\n"));
};

/** The name that Chromium gives to an extension in a folder. */
const extensionId = (folder) => {
  const digits = createHash("sha256").update(folder).digest("hex").slice(0, 32);
  return [...digits].map((digit) => String.fromCharCode("a".charCodeAt(0) + parseInt(digit, 16))).join("");
};

/** Opens the page of an extension. */
const openExtension = async (folder, expected) => {
  const profile = mkdtempSync(join(tmpdir(), "edgewise-profile-"));
  const load = [`--disable-extensions-except=${folder}`, `--load-extension=${folder}`];
  // Extensions are not in the browser that has no window at all.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: [...args, ...load, "--headless=new", "--disable-features=DisableLoadExtensionCommandLineSwitch"],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  try {
    const address = `chrome-extension://${extensionId(folder)}/index.html`;
    const { title, told } = await titleOf(await context.newPage(), address);
    if (title !== expected) throw new Error([title, ...told].join("\n"));
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
};

/** Runs a program of an engine that has no pages. */
const runProgram = (line, cwd, expected) => {
  const [program, ...args] = line.split(" ");
  const said = execFileSync(program, args, { cwd, encoding: "utf8", timeout: WAIT_MS }).trim();
  if (said !== expected) throw new Error(said);
};

const test = async (app) => {
  const { expected = EXPECTED, extension, program } = about(app);
  const folder = build(app);
  if (program) return runProgram(program, dirname(folder), expected);
  if (extension) return openExtension(folder, expected);
  const server = await serve({ app: folder });
  try {
    for (const kind of ["plain", "isolated"]) await openFrom(server[kind], server.requests, expected);
  } finally {
    server.close();
  }
};

let [passed, failed] = [0, 0];
for (const app of apps) {
  const began = performance.now();
  try {
    await test(app);
    console.log(`ok      ${app} (${((performance.now() - began) / 1e3).toFixed(1)} s)`);
    passed++;
  } catch (error) {
    const said = [error.message, error.stdout, error.stderr].filter(Boolean).join("\n").slice(0, 3000);
    console.log(`FAILED  ${app}\n        ${said.replaceAll("\n", "\n        ")}`);
    failed++;
  }
}
await browser.close();
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
