// Values on their way into the module and out of it.
//
// What a reader would get wrong: a run consumes the values that it is given, and those that it gives are freed here,
// when their elements have been copied out, unless they lie on the GPU: those live until somebody frees them.

import type * as module from "#module";
import { EdgewiseError } from "../errors";
import type { OnGpu, Plain } from "./engine";

type Module = typeof module;

/** A value of the module; `device` is where tensors on the GPU must lie. */
export const intoModule = (
  module: Module,
  value: Plain | OnGpu,
  device: module.Device | undefined,
): module.Value => {
  const { Value } = module;
  switch (value.kind) {
    case "tensor":
      return Value.tensor(value.dtype, Float64Array.from(value.dims), value.bytes);
    case "strings":
      return Value.ofStrings(Float64Array.from(value.dims), [...value.strings]);
    case "sequence":
      return Value.sequence(
        value.of,
        value.items.map((item) => intoModule(module, item, device)),
      );
    case "optional":
      return Value.optional(value.of, value.value && intoModule(module, value.value, device));
    case "gpu":
      if (device) return Value.buffer(device, value.dtype, Float64Array.from(value.dims), value.buffer);
      throw new EdgewiseError(
        "invalid-input",
        "a tensor lies on the GPU, but the session runs on the CPU; await getData() first, or create the session " +
          "with executionProviders: ['webgpu']",
      );
    case "map":
      throw new EdgewiseError("unsupported", "maps cannot be given to a session");
  }
};

/** What a value of the module holds. It is freed, unless it lies on the GPU. */
export const outOfModule = (value: module.Value): Plain | OnGpu => {
  if (value.place === "gpu") return onGpu(value);
  try {
    return plain(value);
  } finally {
    value.free();
  }
};

const onGpu = (value: module.Value): OnGpu => ({
  kind: "gpu",
  dtype: value.dtype ?? "",
  dims: value.dims ?? [],
  buffer: value.gpuBuffer(),
  download: async () => {
    const host = await value.fetch();
    try {
      return plain(host);
    } finally {
      host.free();
    }
  },
  free: () => value.free(),
});

const plain = (value: module.Value): Plain => {
  switch (value.kind) {
    case "tensor": {
      const { dtype = "", dims = [] } = value;
      if (dtype === "string") return { kind: "strings", dims, strings: value.strings() };
      return { kind: "tensor", dtype, dims, bytes: value.bytes() };
    }
    case "sequence":
      return { kind: "sequence", of: "", items: all(value.items()) };
    case "optional":
      return { kind: "optional", of: "", value: all(value.items())[0] };
    case "map":
      return { kind: "map", entries: value.entries().map(([key, inner]) => [key, freed(inner)]) };
  }
};

const freed = (value: module.Value): Plain => {
  try {
    return plain(value);
  } finally {
    value.free();
  }
};

const all = (values: module.Value[]): Plain[] => values.map(freed);
