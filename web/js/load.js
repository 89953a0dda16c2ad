// Loads a model while it comes: weights go to where they belong piece by piece, and the file as a whole lies
// nowhere.
import { Loading } from "./edgewise.js";

// A session for the model in a response, or in the promise of one.
//
// `ready`: a promise that is kept when the module has started; what comes before then waits.
// `threads`: as in `Session.load`.
// `progress`: called with the bytes that have come, and with those that there are where that is known.
export const load = async (response, { ready, threads, progress } = {}) => {
  const came = await response;
  if (!came.ok) throw new Error(`${came.url}: ${came.status}`);
  const total = length(came);
  const reader = came.body.getReader();
  let [waiting, loading, started, read] = [[], undefined, !ready, 0];
  const start = () => (started = true);
  ready?.then(start, start);
  const pass = () => {
    loading ??= new Loading(total ?? read, threads);
    waiting.splice(0).forEach((bytes) => loading.push(bytes));
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      waiting.push(value);
      progress?.((read += value.length), total);
      if (started && total !== undefined) pass();
    }
    await ready;
    pass();
  } catch (error) {
    loading?.free();
    reader.cancel(error).catch(() => {});
    throw error;
  }
  return loading.finish();
};

// How many bytes will come, where the header tells: it counts them as they are sent, which may be compressed, and
// other origins need not say so.
const length = ({ headers, type }) => {
  const plain = !headers.has("Content-Encoding") && (type === "basic" || type === "default");
  const length = headers.get("Content-Length");
  return plain && length !== null ? Number(length) : undefined;
};
