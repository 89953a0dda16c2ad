// One run, of a session or of a context: from a caller's tensors to its results.

import type { OnGpu, Plain, Port, Runner } from "../engine/engine";
import { EdgewiseError, cancelled, proceed } from "../errors";
import { fromResult, toFeed } from "../tensor/feeds";
import { fill } from "../tensor/fill";
import { isLike } from "../tensor/make";
import type { Tensor } from "../tensor/tensor";
import { upload } from "../tensor/upload";
import type { OnnxValue } from "../tensor/values";
import { forRun, type Feeds } from "./arguments";

/** Outputs by name. What is no tensor (a sequence, an optional, a map) is named by whoever expects it. */
export type Results<Value = Tensor> = Readonly<Record<string, Value>>;

/** What holds for all runs of a session. */
export interface Habits {
  /** Outputs that stay on the GPU. */
  onDevice: readonly string[];
  /** The GPU, for sessions on it. */
  gpu: (() => Promise<GPUDevice>) | undefined;
  breathe: number | undefined;
  /** Where each run's trace goes, while somebody wants them. */
  traces: string[] | undefined;
}

/** Runs, with the arguments that a caller gave behind the inputs. */
export const run = async (
  { inputs, outputs, ...runner }: Runner,
  habits: Habits,
  feeds: Feeds,
  rest: [unknown, unknown],
): Promise<Results<OnnxValue>> => {
  const names = outputs.map(({ name }) => name);
  const { names: fetched, into, options } = forRun(names, ...rest);
  if (options.terminate) throw cancelled("the run", options.signal);
  proceed("the run", options.signal);
  const given = fed(inputs, feeds);
  const ran = await runner.run(Object.keys(given), Object.values(given), {
    outputs: fetched,
    onDevice: fetched.filter((name) => habits.onDevice.includes(name) || isForGpu(habits, into.get(name))),
    signal: options.signal,
    profile: habits.traces !== undefined,
    breathe: habits.breathe,
  });
  if (ran.trace !== undefined) habits.traces?.push(ran.trace);
  const results = ran.outputs.map((output, i) => result(habits, fetched[i] ?? "", output, into));
  return Object.fromEntries(await Promise.all(results));
};

const fed = (inputs: readonly Port[], feeds: Feeds): Record<string, Plain | OnGpu> => {
  if (typeof feeds !== "object" || feeds === null || Array.isArray(feeds)) {
    throw new EdgewiseError("invalid-input", "the first argument of run must be the inputs, by name");
  }
  // As onnxruntime does, what the model has no input for is left alone.
  const wanted = inputs.filter(({ name }) => feeds[name] !== undefined);
  return Object.fromEntries(wanted.map((port) => [port.name, toFeed(feeds[port.name], port)]));
};

// A tensor that a result is to be written to, without the way over the CPU.
const isForGpu = ({ gpu }: Habits, into: OnnxValue | undefined): boolean =>
  gpu !== undefined && isLike(into) && into.location === "gpu-buffer";

const result = async (
  { gpu, onDevice }: Habits,
  name: string,
  output: Plain | OnGpu,
  into: Map<string, OnnxValue>,
): Promise<[string, OnnxValue]> => {
  const given = into.get(name);
  if (given !== undefined) return [name, await fill(given, output, `output '${name}'`, gpu)];
  const comes = gpu && output.kind !== "gpu" && onDevice.includes(name);
  return [name, fromResult(comes ? upload(await gpu(), output) : output)];
};
