// Tries everything in the browser that opens this page, and shows what came out: for browsers that no test drives.
import { InferenceSession, Tensor, env, running } from "/package/dist/index.js";
import { image } from "/apps/digit.js";

const MODEL = "/zoo/digits/digits_int8.onnx";

const read = async (options) => {
  const session = await InferenceSession.create(MODEL, options);
  const [scores] = Object.values(await session.run({ image: image(Tensor) }));
  const data = await scores.getData();
  const { device } = session;
  await session.release();
  const digit = data.indexOf(Math.max(...data));
  if (digit !== 3) throw new Error(`it read ${digit} in the place of 3`);
  return `read 3 on the ${device}`;
};

const frame = async () => {
  const canvas = new OffscreenCanvas(64, 48);
  canvas.getContext("2d").fillRect(0, 0, 64, 48);
  const made = await Tensor.fromImage(canvas, {
    location: "gpu-buffer",
    resizedWidth: 32,
    resizedHeight: 32,
  });
  const { length } = await made.getData();
  made.dispose();
  return `${length} elements on the GPU`;
};

const TRIES = {
  "the CPU": () => read({}),
  "the CPU in a worker": () => read({ worker: true }),
  "the GPU": () => read({ executionProviders: ["webgpu"] }),
  "the GPU in a worker": () => read({ executionProviders: ["webgpu"], worker: true }),
  "an output that stays on the GPU": () =>
    read({ executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" }),
  "a canvas as a tensor on the GPU": frame,
  "the cache in the private file system": () => read({ cache: "opfs" }),
  "the Cache API": () => read({ cache: "cache-api" }),
  "a stream": async () => {
    const { body } = await fetch(MODEL);
    const session = await InferenceSession.create(body);
    await session.release();
    return "loaded";
  },
};

const rows = document.querySelector("#rows");
const row = (...cells) => {
  const line = document.createElement("tr");
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  rows.append(line);
};

for (const [what, attempt] of Object.entries(TRIES)) {
  const began = performance.now();
  const outcome = await attempt().then(
    (text) => `✓ ${text}`,
    (error) => `✗ ${error.code ?? error.name}: ${error.message}`,
  );
  row(what, outcome, (performance.now() - began).toFixed(0));
}

const { build, isa, threads } = await running();
const isolated = crossOriginIsolated ? "isolated" : "not isolated";
document.querySelector("#about").textContent =
  `${navigator.userAgent}. The build ${build} with ${isa}, ${threads} threads; this page is ${isolated}. ` +
  `Edgewise ${env.versions.edgewise}.`;
