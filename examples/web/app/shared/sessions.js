// Sessions by where they run. There is one at a time for each place, and the one that it replaces is given back.
import { InferenceSession } from "edgewise";

/** Where a session may run, and what `create` is told for it. */
export const PLACES = {
  cpu: { name: "CPU", options: { executionProviders: ["wasm"] } },
  worker: { name: "CPU, in a worker", options: { executionProviders: ["wasm"], worker: true } },
  gpu: { name: "GPU", options: { executionProviders: ["webgpu"] } },
  "gpu-worker": { name: "GPU, in a worker", options: { executionProviders: ["webgpu"], worker: true } },
};

/** A session of the model in that place. */
export const open = (model, place, options = {}) =>
  InferenceSession.create(model, { ...PLACES[place].options, ...options });

/** Whether this browser has a GPU for pages. It may say no even where `navigator.gpu` is. */
export const hasGpu = async () => Boolean(await navigator.gpu?.requestAdapter().catch(() => undefined));

/** Milliseconds that each run of `count` took; `turn` is called after each, and may wait. */
export const timed = async (count, run, turn = () => {}) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
    await turn(i + 1, times);
  }
  return times;
};
