// The overloads of `create` and `run`: which argument is what.
//
// What a reader would get wrong: the second argument of `run` is either what to fetch or how to run. An object is
// taken for the former where it has the name of an output, as onnxruntime does.

import { EdgewiseError } from "../errors";
import type { ModelInput } from "../load/model";
import { isLike } from "../tensor/make";
import { Tensor } from "../tensor/tensor";
import type { OnnxValue } from "../tensor/values";
import type { SessionOptions } from "./options";

export type Feeds = Readonly<Record<string, OnnxValue>>;
export type Fetches = readonly string[] | Readonly<Record<string, OnnxValue | null>>;

export interface RunOptions {
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  logVerbosityLevel?: number;
  terminate?: boolean;
  tag?: string;
  extra?: Record<string, unknown>;
  /** Ends the run. */
  signal?: AbortSignal;
}

const wrong = (message: string): EdgewiseError => new EdgewiseError("invalid-input", message);
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** The model and the options of `create`. */
export const forCreate = (
  model: unknown,
  ...rest: unknown[]
): { model: ModelInput; options: SessionOptions } => {
  const [first] = rest;
  if (typeof first !== "number") return { model: model as ModelInput, options: options(first) };
  if (!(model instanceof ArrayBuffer) && !(model instanceof SharedArrayBuffer)) {
    throw wrong("an offset of bytes goes with an ArrayBuffer");
  }
  const [offset, length = model.byteLength - first] = rest as [number, number | undefined];
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= model.byteLength) {
    throw wrong(`byteOffset is ${offset}; it must be an integer from 0 to ${model.byteLength - 1}`);
  }
  if (!Number.isSafeInteger(length) || length <= 0 || offset + length > model.byteLength) {
    throw wrong(`byteLength is ${length}; it must be an integer from 1 to ${model.byteLength - offset}`);
  }
  return { model: new Uint8Array(model, offset, length), options: options(rest[2]) };
};

const options = <T>(given: unknown): T => {
  if (given === undefined) return {} as T;
  if (!isObject(given)) throw wrong(`the options must be an object, not ${JSON.stringify(given)}`);
  return given as T;
};

/** What a run fetches, into which tensors if any, and how it runs. */
export const forRun = (
  outputs: readonly string[],
  first: unknown,
  second: unknown,
): { names: string[]; into: Map<string, OnnxValue>; options: RunOptions } => {
  const all = { names: [...outputs], into: new Map<string, OnnxValue>() };
  if (first === undefined) return { ...all, options: {} };
  if (!isObject(first) || first instanceof Tensor) {
    throw wrong("the second argument of run must be the outputs to fetch, by name, or options");
  }
  const fetched = Array.isArray(first) ? listed(outputs, first) : mapped(outputs, first);
  return fetched ? { ...fetched, options: options(second) } : { ...all, options: options(first) };
};

const listed = (outputs: readonly string[], names: unknown[]) => {
  if (names.length === 0) throw wrong("the list of outputs to fetch is empty; leave it out to fetch all");
  for (const name of names) {
    if (typeof name !== "string" || !outputs.includes(name)) {
      throw wrong(`there is no output ${JSON.stringify(name)}; the model has ${outputs.join(", ")}`);
    }
  }
  return { names: [...new Set(names as string[])], into: new Map<string, OnnxValue>() };
};

const mapped = (outputs: readonly string[], fetches: object) => {
  const given = Object.entries(fetches).filter(
    ([name, value]) => outputs.includes(name) && (value === null || isLike(value)),
  );
  if (given.length === 0) return undefined;
  const into = given.filter((entry): entry is [string, OnnxValue] => entry[1] !== null);
  return { names: given.map(([name]) => name), into: new Map<string, OnnxValue>(into) };
};
