// One run, of a session or of a context: from a caller's tensors to its results.

import type { OnGpu, Plain, Port, Runner } from "../engine/engine";
import { EdgewiseError, cancelled, proceed } from "../errors";
import { fill, fromResult, toFeed } from "../tensor/feeds";
import type { Tensor } from "../tensor/tensor";
import type { OnnxValue } from "../tensor/values";
import { forRun, type Feeds } from "./arguments";

/** Outputs by name. What is no tensor (a sequence, an optional, a map) is named by whoever expects it. */
export type Results<Value = Tensor> = Readonly<Record<string, Value>>;

/** What holds for all runs of a session. */
export interface Habits {
  /** Outputs that stay on the GPU. */
  onDevice: readonly string[];
  breathe: number | undefined;
  /** Where each run's trace goes, while somebody wants them. */
  traces: string[] | undefined;
}

/** Runs, with the arguments that a caller gave behind the inputs. */
export const run = async (
  { inputs, outputs, ...runner }: Runner,
  { onDevice, breathe, traces }: Habits,
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
    onDevice: onDevice.filter((name) => fetched.includes(name)),
    signal: options.signal,
    profile: traces !== undefined,
    breathe,
  });
  if (ran.trace !== undefined) traces?.push(ran.trace);
  return Object.fromEntries(ran.outputs.map((output, i) => result(fetched[i] ?? "", output, into)));
};

const fed = (inputs: readonly Port[], feeds: Feeds): Record<string, Plain | OnGpu> => {
  if (typeof feeds !== "object" || feeds === null || Array.isArray(feeds)) {
    throw new EdgewiseError("invalid-input", "the first argument of run must be the inputs, by name");
  }
  // As onnxruntime does, what the model has no input for is left alone.
  const wanted = inputs.filter(({ name }) => feeds[name] !== undefined);
  return Object.fromEntries(wanted.map((port) => [port.name, toFeed(feeds[port.name], port)]));
};

const result = (name: string, output: Plain | OnGpu, into: Map<string, OnnxValue>): [string, OnnxValue] => {
  const given = into.get(name);
  return [name, given === undefined ? fromResult(output) : fill(given, output, `output '${name}'`)];
};
