// How long a page takes from navigation to the first result, with an empty cache, beside onnxruntime-web in the same
// run: `node tests/start/run.mjs [--rounds N] [--models DIR]`. Both are sent with brotli, both run on one thread. On the
// CPU and on a GPU in software; from this machine as it is, and at 20 Mbit/s.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { brotli } from "../brotli.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, "../..");
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : otherwise;
};
const rounds = Number(option("rounds", 5));
const FOLDERS = {
  start: HERE,
  package: WEB,
  npm: join(WEB, "node_modules"),
  zoo: join(WEB, "../models/zoo"),
  models: option("models", join(WEB, "../target/peers/models")),
};
const MODELS = { digits: "/zoo/digits/digits_int8.onnx", "MobileNetV2 int8": "/models/mobilenetv2_qdq.onnx" };
const SPEEDS = { "this machine": undefined, "20 Mbit/s": 20e6 / 8 };
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const sent = new Map();
const contents = (file) => {
  if (!sent.has(file)) {
    const packs = TYPES[extname(file)] !== undefined;
    sent.set(file, { bytes: packs ? brotli(file) : readFileSync(file), packs });
  }
  return sent.get(file);
};
const server = createServer((request, response) => {
  const [first, ...rest] = normalize(new URL(request.url, "http://x").pathname).split("/").slice(1);
  const file = FOLDERS[first] && join(FOLDERS[first], ...rest);
  if (!file || !existsSync(file)) return response.writeHead(404).end();
  const { bytes, packs } = contents(file);
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  const headers = { "Content-Type": type, "Content-Length": bytes.length, "Cache-Control": "no-store" };
  response.writeHead(200, packs ? { ...headers, "Content-Encoding": "br" } : headers).end(bytes);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const address = `http://127.0.0.1:${server.address().port}`;

const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...gpu] });

const once = async (query, speed) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (speed) {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    const conditions = { offline: false, latency: 20, downloadThroughput: speed, uploadThroughput: speed };
    await session.send("Network.emulateNetworkConditions", conditions);
  }
  try {
    await page.goto(`${address}/start/page.html?${new URLSearchParams(query)}`);
    return await page.evaluate(() => window.started);
  } finally {
    await context.close();
  }
};

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

console.log("| Model | On | Over | Edgewise, ms | onnxruntime-web, ms | Ratio |\n|---|---|---|---|---|---|");
for (const [name, model] of Object.entries(MODELS)) {
  for (const provider of ["wasm", "webgpu"]) {
    for (const [over, speed] of Object.entries(SPEEDS)) {
      const [ours, theirs] = [[], []];
      for (let round = 0; round < rounds; round++) {
        ours.push(await once({ ours: "yes", model, provider }, speed));
        theirs.push(await once({ model, provider }, speed));
      }
      const [a, b] = [median(ours), median(theirs)];
      const row = [
        name,
        provider === "wasm" ? "CPU" : "GPU",
        over,
        a.toFixed(0),
        b.toFixed(0),
        (a / b).toFixed(2),
      ];
      console.log(`| ${row.join(" | ")} |`);
    }
  }
}
await browser.close();
server.close();
