// Runs cases in a page, through what the package gives to everybody.
//
// What a reader would get wrong: as the native runner does, it feeds by the order of the inputs, and an input or an
// output without a file is left out.
import { EdgewiseError, InferenceSession } from "edgewise";
import type { OnnxValue } from "edgewise";
import { type Tolerance, difference } from "./compare";
import { type Kind, kindsOf } from "./kinds";
import { valueOf } from "./values";

/** A case: where it lies, and the numbers of the inputs and outputs that have a file, for each set of data. */
interface Case {
  readonly url: string;
  readonly sets: readonly { readonly url: string; readonly inputs: number[]; readonly outputs: number[] }[];
  readonly tolerance: Tolerance;
  readonly device: "cpu" | "gpu";
}

interface Failure {
  /** `differs` where it ran, or else what an error says. */
  readonly code: string;
  readonly message: string;
}

const bytesOf = async (url: string): Promise<Uint8Array> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

/** The values of some ports, by the ports' names. */
const read = async (url: string, numbers: number[], names: readonly string[], kinds: Map<string, Kind>) => {
  const all = numbers.map(async (n): Promise<[string, OnnxValue]> => {
    const name = names[n];
    const kind = name === undefined ? undefined : kinds.get(name);
    if (name === undefined || !kind) throw new Error(`there is nothing for ${url}_${n}.pb in the model`);
    return [name, valueOf(await bytesOf(`${url}_${n}.pb`), kind)];
  });
  return Promise.all(all);
};

const run = async ({ url, sets, tolerance, device }: Case): Promise<Failure | undefined> => {
  const model = `${url}/model.onnx`;
  const kinds = new Map(kindsOf(await bytesOf(model)));
  const executionProviders = [device === "gpu" ? "webgpu" : "wasm"];
  await using session = await InferenceSession.create(model, { executionProviders });
  const { inputNames, outputNames } = session;
  for (const set of sets) {
    const feeds = await read(`${set.url}/input`, set.inputs, inputNames, kinds);
    const expected = await read(`${set.url}/output`, set.outputs, outputNames, kinds);
    const results = await session.run<OnnxValue>(Object.fromEntries(feeds));
    for (const [name, value] of expected) {
      const got = results[name];
      const what = got === undefined ? "it is missing" : difference(value, got, tolerance);
      if (what !== undefined) return { code: "differs", message: `output '${name}': ${what}` };
    }
  }
  return undefined;
};

/** Runs one case; gives why it failed, if it did. */
const runCase = (one: Case): Promise<Failure | undefined> =>
  run(one).catch((error: unknown) => ({
    code: error instanceof EdgewiseError ? error.code : "harness",
    message: error instanceof Error ? error.message : String(error),
  }));

Object.assign(globalThis, { runCase });
