// Reads a digit where requests are answered: on the CPU, and from the cache the second time.
import { InferenceSession, Tensor } from "edgewise";
import "edgewise/eager";
import { image } from "./digit.js";

const read = async (options) => {
  const session = await InferenceSession.create(new URL("digits.onnx", location.href), options);
  const results = await session.run({ image: image(Tensor) });
  const [{ data }] = Object.values(results);
  await session.release();
  return data.indexOf(Math.max(...data));
};

const all = async () => `read ${await read({})} ${await read({ cache: "cache-api" })}`;

addEventListener("message", (event) => {
  const answered = all().catch((error) => `failed: ${error.code}: ${error.message}`);
  event.waitUntil(answered.then((title) => event.source.postMessage(title)));
});
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
