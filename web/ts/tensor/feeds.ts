// Values on their way to an engine, and results on their way back.
//
// What a reader would get wrong: an engine is told the kind of what is inside of a sequence or an optional, since there
// may be nothing inside that could tell. The model's port says it.

import type { OnGpu, Plain, Port } from "../engine/engine";
import { EdgewiseError } from "../errors";
import { fromValue, toValue } from "./convert";
import { invalid, known } from "./data";
import { asTensor, placed } from "./make";
import type { Tensor } from "./tensor";
import { elementTypeOf } from "./types";
import { asValue, type OnnxMap, type OnnxValue } from "./values";

/** What a caller gives for an input. */
export const toFeed = (value: unknown, { name, text }: Port): Plain | OnGpu => {
  const what = `input '${name}'`;
  return feed(asValue(value, what), kindOf(text), what);
};

/** The kind that a port's text begins with, without sizes. */
const kindOf = (text: string): string => text.replace(/\[.*$/, "");

/** What a kind such as `sequence(f32)` is of. */
const within = (kind: string, outer: string): string | undefined =>
  kind.startsWith(`${outer}(`) ? kind.slice(outer.length + 1, -1) : undefined;

const feed = (value: OnnxValue, kind: string, what: string): Plain | OnGpu => {
  if (value === null) {
    const of = within(kind, "optional");
    if (of !== undefined) return { kind: "optional", of, value: undefined };
    throw invalid(`${what} is null, but the model takes ${kind} there`);
  }
  if (Array.isArray(value)) {
    const of = within(within(kind, "optional") ?? kind, "sequence");
    if (of === undefined) throw invalid(`${what} is an array, but the model takes ${kind} there`);
    const items = (value as OnnxValue[]).map((item, i) => plain(feed(item, of, `${what}[${i}]`), what));
    return { kind: "sequence", of, items };
  }
  if (value instanceof Map)
    throw new EdgewiseError("unsupported", `${what} is a Map, which no model takes here`);
  return tensor(asTensor(value, what), what);
};

const plain = (value: Plain | OnGpu, what: string): Plain => {
  if (value.kind !== "gpu") return value;
  throw invalid(`${what} has items on the GPU; await their getData() first`);
};

const tensor = (given: Tensor, what: string): Plain | OnGpu => {
  switch (given.location) {
    case "none":
      throw new EdgewiseError("disposed", `${what} was disposed`);
    case "gpu-buffer":
      return { kind: "gpu", dtype: known(given.type).dtype, dims: given.dims, buffer: given.gpuBuffer };
    case "texture":
      throw new EdgewiseError("unsupported", `${what} is a WebGL texture; await its getData() first`);
    default: {
      const { dims, ...elements } = toValue(given);
      if ("strings" in elements) return { kind: "strings", dims, strings: elements.strings };
      return { kind: "tensor", dims, ...elements };
    }
  }
};

/** What an engine gave, as callers get it. */
export const fromResult = (value: Plain | OnGpu): OnnxValue => {
  switch (value.kind) {
    case "tensor":
    case "strings":
      return fromValue(value);
    case "sequence":
      return value.items.map(fromResult);
    case "optional":
      return value.value ? fromResult(value.value) : null;
    case "map":
      return new Map(value.entries.map(([key, inner]) => [key, scalar(inner)])) as OnnxMap;
    case "gpu":
      return onGpu(value);
  }
};

const scalar = (value: Plain): unknown => (fromResult(value) as Tensor).data[0];

const onGpu = ({ dtype, dims, buffer, download, free }: OnGpu): Tensor => {
  const element = elementTypeOf(dtype);
  if (!element) throw new EdgewiseError("internal", `the module gave a tensor of the unknown type ${dtype}`);
  return placed(element.type, dims, {
    location: "gpu-buffer",
    gpuBuffer: buffer,
    ...(download && { download: async () => (fromResult(await download()) as Tensor).data as never }),
    ...(free && { dispose: free }),
  });
};
