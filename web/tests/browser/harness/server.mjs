// Serves folders to the tests' pages, and what can go wrong on the way: `?fault=…` says what.
//
// What a reader would get wrong: whether pages are isolated from other origins is the host's name: `isolated` pages
// come from 127.0.0.1, all others from localhost.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Each fault answers a request for a file that exists in its own way. */
const FAULTS = {
  missing: (response) => response.writeHead(404, { "Content-Type": "text/plain" }).end("nothing here"),
  html: (response) =>
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>App</title>"),
  broken: (response) => response.writeHead(500).end(),
  // Says that more will come than does.
  truncated: async (response, file) => {
    const bytes = await readFile(file);
    response.writeHead(200, { "Content-Length": bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  },
  stalled: async (response, file) => {
    const bytes = await readFile(file);
    response.writeHead(200, { "Content-Length": bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1));
  },
  text: async (response, file) =>
    response.writeHead(200, { "Content-Type": "text/plain" }).end(await readFile(file)),
};

/** Serves `folders`, by the first part of the path; gives the addresses and what ends it. */
export const serve = async (folders) => {
  const requests = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://x");
    const [first, ...rest] = normalize(decodeURIComponent(pathname)).split("/").slice(1);
    requests.push(pathname);
    const isolated = request.headers.host?.startsWith("127.0.0.1");
    for (const [name, value] of Object.entries(isolated ? ISOLATED : {})) response.setHeader(name, value);
    response.setHeader("Cache-Control", searchParams.has("cached") ? "max-age=60" : "no-store");
    const folder = folders[first];
    const file = folder && join(folder, ...rest);
    const fault = FAULTS[searchParams.get("fault")];
    try {
      if (!file) throw new Error("no such folder");
      if (fault) return await fault(response, file);
      await send(request, response, file);
    } catch {
      if (!response.headersSent) FAULTS.missing(response);
    }
  });
  await new Promise((ready) => server.listen(0, ready));
  const { port } = server.address();
  return {
    isolated: `http://127.0.0.1:${port}`,
    plain: `http://localhost:${port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

/** A file, or the range of it that is asked for. */
const send = async (request, response, file) => {
  const { size, mtimeMs } = await stat(file);
  const etag = `"${size}-${mtimeMs}"`;
  const headers = {
    "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    "Accept-Ranges": "bytes",
    ETag: etag,
  };
  if (request.headers["if-none-match"] === etag) return response.writeHead(304, headers).end();
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const fresh = !request.headers["if-range"] || request.headers["if-range"] === etag;
  const start = range && fresh ? Number(range[1]) : 0;
  if (start > 0) headers["Content-Range"] = `bytes ${start}-${size - 1}/${size}`;
  response.writeHead(start > 0 ? 206 : 200, { ...headers, "Content-Length": size - start });
  createReadStream(file, { start }).pipe(response);
};
