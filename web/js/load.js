// Loads a model while it comes: weights go to where they belong piece by piece, and the file as a whole lies
// nowhere; or, for a GPU, outside of the module's memory, until the GPU has taken them.
import * as edgewise from "./edgewise.js";

// A session for the model in a response, or in the promise of one.
//
// `ready`: a promise that is kept when the module has started; what comes before then waits.
// `device`: `"gpu"` for the browser's GPU, or what `openGpu` gave, in builds that have it. `"cpu"` if left out.
// `progress`: called with the bytes that have come, and with those that there are where that is known.
// The others are as in `Loading`.
export const load = async (response, { ready, device = "cpu", progress, ...options } = {}) => {
  let [gpu, started, failed] = [undefined, !ready && device === "cpu", false];
  const start = (opened) => ([gpu, started] = [opened, true]);
  const begun = begin(ready, device);
  begun.then(start, () => (failed = true));
  const came = await response;
  if (!came.ok) throw new Error(`${came.url}: ${came.status}`);
  const total = length(came);
  const reader = pieces(came.body, device !== "cpu");
  let [waiting, loading, read] = [[], undefined, 0];
  const pass = () => {
    const length = total ?? read;
    loading ??= new edgewise.Loading(length, { ...options, device: gpu });
    for (const bytes of waiting.splice(0)) {
      loading.push(bytes);
      reader.again(bytes);
    }
  };
  try {
    for (;;) {
      // Pieces that have to wait are small: what each of them does not fill is memory for nothing.
      const { done, value } = await reader.read(started ? 1 << 20 : 1 << 18);
      if (done || failed) break;
      waiting.push(value);
      read += value.length;
      progress?.(read, total);
      if (started && total !== undefined) pass();
    }
    start(await begun);
    pass();
  } catch (error) {
    loading?.free();
    reader.cancel(error).catch(() => {});
    throw error;
  }
  return loading.finish();
};

// Waits for the module; gives the GPU where one is wanted.
const begin = async (ready, device) => {
  await ready;
  if (device === "cpu") return undefined;
  if (!edgewise.openGpu) throw new Error("the build 'cpu' has no GPU; all others have");
  return device === "gpu" ? edgewise.openGpu() : device;
};

// Reads a body piece by piece. Where the browser can, it writes them into the same memory `again` and again: new
// memory for each would cost as much as the reading. What is `kept`, for a GPU to take weights from, has its own.
const pieces = (body, kept) => {
  let reader, spare;
  if (kept) return fresh(body);
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return fresh(body);
  }
  const buffer = (size) => (spare?.byteLength === size ? spare : new ArrayBuffer(size));
  return {
    read: (size) => reader.read(new Uint8Array(buffer(size))),
    again: (bytes) => (spare = bytes.buffer),
    cancel: (reason) => reader.cancel(reason),
  };
};

// Reads a body piece by piece, each in memory of its own that is as large as the piece.
const fresh = (body) => {
  const reader = body.getReader();
  return { read: () => reader.read(), again() {}, cancel: (reason) => reader.cancel(reason) };
};

// How many bytes will come, where the header tells: it counts them as they are sent, which may be compressed, and
// other origins need not say so.
const length = ({ headers, type }) => {
  const plain = !headers.has("Content-Encoding") && (type === "basic" || type === "default");
  const length = headers.get("Content-Length");
  return plain && length !== null ? Number(length) : undefined;
};
