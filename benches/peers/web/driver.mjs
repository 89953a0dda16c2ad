// Drives Chromium: takes a job as a line of JSON, opens a fresh page for it, answers with a line of JSON.
// usage: node driver.mjs CHROMIUM NPM_FOLDER OURS_FOLDER MODELS_FOLDER INPUTS_FOLDER [ARGUMENT OF CHROMIUM…]
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [executablePath, npm, ours, models, inputs, ...own] = process.argv.slice(2);
const { chromium } = createRequire(join(npm, "package.json"))("playwright-core");

const FOLDERS = { npm, ours, models, inputs };
const HERE = dirname(fileURLToPath(import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

// Isolated from other origins, so that pages have shared memory and a fine clock.
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
};

// What was asked for once lies in memory: reading it anew would take the processor from the page that waits for it.
const read = new Map();
const contents = async (file) => {
  if (!read.has(file)) read.set(file, await readFile(file));
  return read.get(file);
};

const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname)).split("/").slice(1);
  const file = FOLDERS[path[0]] ? join(FOLDERS[path[0]], ...path.slice(1)) : join(HERE, ...path);
  try {
    const bytes = await contents(file);
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": bytes.length });
    response.end(bytes);
  } catch {
    response.writeHead(404, HEADERS).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", ...own],
});

// Milliseconds that the browser's processes have computed whose command line has this in it. Threads that ended are
// lost, so this is read around runs only.
const cpuMs = async (kind) => {
  let total = 0n;
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (!command.includes(kind) || !(await isOurs(pid))) continue;
    for (const task of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const text = await readFile(`/proc/${pid}/task/${task}/schedstat`, "latin1").catch(() => "0");
      total += BigInt(text.split(" ")[0]);
    }
  }
  return Number(total) / 1e6;
};

const PAGES = "--type=renderer";
// All of them are given this.
const ALL = "--no-sandbox";

// Waits until the browser rests: starting it, and clearing away the page before, would count as the next page's
// cold start.
const rest = async () => {
  for (let [tries, still] = [0, 0]; still < 3 && tries < 50; tries++) {
    const before = await cpuMs(ALL);
    await new Promise((done) => setTimeout(done, 100));
    still = (await cpuMs(ALL)) - before < 5 ? still + 1 : 0;
  }
};

// Whether a process descends from this one.
const isOurs = async (pid) => {
  while (pid > 1 && pid != process.pid) {
    const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
    pid = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return pid == process.pid;
};

const round = async (job) => {
  // A context of its own: nothing is cached from earlier pages.
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const told = [];
    page.on("console", (message) => message.type() === "error" && told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    await rest();
    const query = new URLSearchParams({ ...job, model: `/models/${job.model}`, inputs: `/inputs/${job.inputs}` });
    await page.goto(`http://127.0.0.1:${server.address().port}/page.html?${query}`);
    try {
      const { coldMs, firstMs } = await page.evaluate(() => window.cold());
      const about = await page.evaluate(() => window.about());
      const before = await cpuMs(PAGES);
      const warm = ([seconds, most]) => window.warm(seconds, most);
      const wallMs = await page.evaluate(warm, [job.seconds, job.most ?? 1e9]);
      const cpu = (await cpuMs(PAGES)) - before;
      const calls = job.device ? await page.evaluate(() => window.calls()) : undefined;
      const outputs = job.outputs ? await page.evaluate(() => window.outputs()) : undefined;
      // Last, when the browser has compiled everything as well as it can.
      const profile = job.profile ? await page.evaluate(() => window.profile()) : undefined;
      return { ...about, coldMs, firstMs, wallMs, cpuMs: wallMs.length ? cpu / wallMs.length : 0, calls, outputs, profile };
    } catch (error) {
      throw new Error([error.message, ...told].join("\n"));
    }
  } finally {
    await context.close();
  }
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await round(JSON.parse(line)).catch((error) => ({ error: String(error.message ?? error) }));
  console.log(JSON.stringify(answer));
}
await browser.close();
server.close();
