// A server that answers as a test wants, and what the tests of loading have in common.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Opened } from "../../ts/load/model";

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** What a test does with an address, at which a server answers; it is gone afterwards. */
export const serving = async <T>(
  answer: Answer,
  use: (url: string, asked: Asked[]) => Promise<T>,
): Promise<T> => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { range, "if-range": ifRange, "if-none-match": ifNoneMatch } = request.headers;
    asked.push({
      url: request.url,
      range,
      ifRange: String(ifRange ?? ""),
      ifNoneMatch,
      headers: request.headers,
    });
    answer(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

export interface Asked {
  readonly url: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string;
  readonly ifNoneMatch: string | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** Bytes that look like a model's first ones, and like nothing else behind them. */
export const bytes = (length: number, seed = 1): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    made[i] = state >>> 24;
  }
  made[0] = 8;
  return made;
};

/** Sends all of it, or the range that is asked for; breaks the connection after `most` bytes. */
export const send = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array,
  { most = Infinity, headers = {} }: { most?: number; headers?: Record<string, string> } = {},
): void => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = body.subarray(start);
  const range = { "Content-Range": `bytes ${start}-${body.length - 1}/${body.length}` };
  const all = { "Content-Length": String(rest.length), ...headers, ...(start > 0 && range) };
  response.writeHead(start > 0 ? 206 : 200, all);
  if (most >= rest.length) response.end(rest);
  else response.write(rest.subarray(0, most), () => setTimeout(() => response.destroy(), 5));
};

/** Everything that comes. */
export const all = async ({ pieces }: Pick<Opened, "pieces">, most = 1 << 16): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for (let piece = await pieces.read(most); piece; piece = await pieces.read(most)) {
    parts.push(piece.slice());
    pieces.again(piece);
  }
  return Buffer.concat(parts);
};
