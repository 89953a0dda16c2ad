// Gives the files of a folder away, as a server in production should: with the headers that let memory be shared
// between threads, and `application/wasm`, so that modules are compiled while they come.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
};

const HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
};

/** The file that an address means; nothing where it is no address. It never leads out of the folder. */
const pathOf = (folder, address) => {
    try {
        const path = normalize(decodeURIComponent(new URL(address, "http://localhost").pathname));
        return join(folder, path.endsWith("/") ? `${path}index.html` : path);
    } catch {
        return undefined;
    }
};

/** Serves the folder; gives the address and what ends it. Port 0 is any free one. */
export const serve = async (folder, port = 0) => {
    const server = createServer(async (request, response) => {
        const file = pathOf(folder, request.url);
        const found = await stat(file ?? "").catch(() => undefined);
        if (!found?.isFile()) return response.writeHead(404, HEADERS).end("nothing here");
        const type = TYPES[extname(file)] ?? "application/octet-stream";
        response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": found.size });
        createReadStream(file).pipe(response);
    });
    await new Promise((ready, failed) => server.once("error", failed).listen(port, "localhost", ready));
    const close = () => {
        server.closeAllConnections();
        server.close();
    };
    return { address: `http://localhost:${server.address().port}`, close };
};
