// What goes wrong with a GPU, brought about on purpose: each line says what, the code of our error, its sentence.
import init, { Value, openGpu } from "/ours/relaxed/dist/edgewise.js";
import { load } from "/ours/relaxed/dist/load.js";

const MODULE = "/ours/relaxed/dist/edgewise_bg.wasm";

// The devices that were opened, as WebGPU has them.
const devices = [];

// Puts something else in the place of a method, until the answer is called.
const replace = (owner, method, other) => {
  const own = owner[method];
  owner[method] = other(own);
  return () => (owner[method] = own);
};

export const open = async ({ model, inputs }) => {
  await init({ module_or_path: fetch(MODULE) });
  replace(GPUAdapter.prototype, "requestDevice", (own) => async function (...given) {
    devices.push(await own.apply(this, given));
    return devices.at(-1);
  });
  const bytes = await (await model).arrayBuffer();
  const given = (await inputs).map((t) => [t.name, Value.tensor(t.dtype, Float64Array.from(t.dims), t.bytes)]);
  const loaded = (device = "gpu") => load(new Response(bytes), { device });
  const run = (session, signal) =>
    session.run(given.map(([name]) => name), given.map(([, value]) => value.share()), { signal });

  // The first error scope that is closed answers with this.
  const failing = async (error) => {
    let left = 1;
    const undo = replace(GPUDevice.prototype, "popErrorScope", (own) => async function () {
      const answer = await own.call(this);
      return left-- > 0 ? error : answer;
    });
    await loaded().finally(undo);
  };
  const faults = {
    cancelled: async () => {
      const session = await loaded();
      await run(session, AbortSignal.abort());
    },
    lost: async () => {
      const session = await loaded();
      await run(session);
      devices.at(-1).destroy();
      await run(session);
    },
    "lost meanwhile": async () => {
      const session = await loaded();
      const running = run(session);
      devices.at(-1).destroy();
      await running;
    },
    // Loading onto a lost GPU opens it again.
    "lost twice": async () => {
      const gpu = await openGpu();
      devices.at(-1).destroy();
      await devices.at(-1).lost;
      const session = await loaded(gpu);
      await run(session);
      devices.at(-1).destroy();
      await run(session);
    },
    "no memory": () => failing(new GPUOutOfMemoryError("")),
    "not valid": () => failing(new GPUValidationError("it is too blue")),
    "no adapter": async () => {
      const undo = replace(GPU.prototype, "requestAdapter", () => async () => null);
      await loaded().finally(undo);
    },
    "no WebGPU": async () => {
      Object.defineProperty(navigator, "gpu", { value: undefined });
      await loaded();
    },
  };
  const lines = [];
  for (const [name, fault] of Object.entries(faults)) {
    const said = await fault().then(() => "nothing", (error) => `${error.code}: ${error.message}`);
    lines.push(`${name}: ${said}`);
  }
  return { run() {}, outputs: () => [], about: () => ({ lines }) };
};
