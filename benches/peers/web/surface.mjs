// What JavaScript can do with the module, in whichever build: each line names something, and says `ok` or what came
// instead.
import { bytes, external, int, message, model, node, port, text } from "./onnx.mjs";
import { refused, report, same } from "./saying.mjs";

// y = exp x, and z = -2 x.
const X = ["batch", 2];
const plain = () =>
  model({
    nodes: [node("Add", ["x", "x"], ["xx"]), node("Exp", ["x"], ["y"]), node("Neg", ["xx"], ["z"])],
    inputs: [port("x", X)],
    outputs: [port("y", X), port("z", X)],
  });

// y = x + a + b + c, of which the latter lie in two files.
const beside = () =>
  model({
    nodes: [node("Add", ["x", "b"], ["xb"]), node("Add", ["xb", "a"], ["xba"]), node("Add", ["xba", "c"], ["y"])],
    inputs: [port("x", [2])],
    outputs: [port("y", [2])],
    weights: [external("b", [2], "first.bin", 8), external("a", [2], "second.bin", 0), external("c", [2], "first.bin", 0)],
  });

// A sequence of texts, and another text behind it.
const texts = () => {
  const STRING = 8;
  const kind = bytes(2, bytes(4, bytes(1, bytes(1, int(1, STRING)))));
  return model({
    nodes: [node("SequenceInsert", ["s", "t"], ["u"])],
    inputs: [message(text(1, "s"), kind), port("t", [1], STRING)],
    outputs: [message(text(1, "u"), kind)],
  });
};

// y = x, and a past that grows by x along its first axis.
const growing = () => {
  const past = ["past_key_values.0.key", ["past", 2]];
  const present = ["present.0.key", ["total", 2]];
  const axis = message(text(1, "axis"), int(3, 0), int(20, 2));
  return model({
    nodes: [node("Concat", [past[0], "x"], [present[0]], axis), node("Neg", ["x"], ["y"])],
    inputs: [port("x", ["new", 2]), port(...past)],
    outputs: [port("y", ["new", 2]), port(...present)],
  });
};

// So many steps, one after the other.
const long = (count) => {
  const value = (i) => (i === 0 ? "x" : i === count ? "y" : `v${i}`);
  const step = (_, i) => node("Softmax", [value(i)], [value(i + 1)]);
  return model({ nodes: Array.from({ length: count }, step), inputs: [port("x", [1, 2])], outputs: [port("y", [1, 2])] });
};

const floats = (...numbers) => new Uint8Array(Float32Array.from(numbers).buffer);
const numbers = (value) => [...new Float32Array(value.bytes().buffer)];

export const cases = ({ Loading, Value }) => {
  const x = () => Value.tensor("f32", Float64Array.of(1, 2), floats(1, 2));
  const two = () => Value.tensor("f32", Float64Array.of(2), floats(1, 2));
  const loaded = (bytes, options) => {
    const loading = new Loading(bytes.length, options);
    loading.push(bytes);
    return loading.finish();
  };
  return {
    "ports say what they take": async () => {
      const session = await loaded(plain());
      const port = { name: "x", kind: "tensor", text: "f32[batch, 2]", dtype: "f32", dims: ["batch", 2] };
      same(session.inputs, [port]);
      same(session.outputs.map(({ text }) => text), ["f32[batch, 2]", "f32[batch, 2]"]);
      same(session.about.opsets, [["", 18]]);
      const { placement, computes } = JSON.parse(session.summary());
      same([placement, computes.arithmetic], [{ cpu: 2 }, "float"]);
    },
    "symbols become numbers": async () => {
      const session = await loaded(plain(), { freeDimensions: { batch: 3, nobody: 5 } });
      same(session.inputs[0].dims, [3, 2]);
      await refused("invalid-input", "axis 0 must be 3", () => session.run(["x"], [x()]));
    },
    "wanted outputs come in the order in which they are wanted": async () => {
      const session = await loaded(plain());
      const { outputs, steps } = await session.run(["x"], [x()], { outputs: ["z"] });
      same([outputs.length, numbers(outputs[0]), steps > 0], [1, [-2, -4], true]);
      const both = await session.run(["x"], [x()], { outputs: ["z", "y"] });
      same(numbers(both.outputs[0]), [-2, -4]);
    },
    "what is given wrongly is refused, and the next run works": async () => {
      const session = await loaded(plain());
      await refused("invalid-input", "has x", () => session.run(["w"], [x()]));
      await refused("invalid-input", "1 names", () => session.run(["x"], []));
      await refused("invalid-input", "'w'", () => session.run(["x"], [x()], { outputs: ["w"] }));
      await refused("invalid-input", "array of strings", () => session.run(["x"], [x()], { outputs: "y" }));
      await refused("invalid-input", "'deadline'", () => session.run(["x"], [x()], { deadline: -1 }));
      await refused("deadline-exceeded", "deadline", () => session.run(["x"], [x()], { deadline: 0 }));
      await refused("cancelled", "", () => session.run(["x"], [x()], { signal: AbortSignal.abort() }));
      same((await session.run(["x"], [x()])).outputs.length, 2);
    },
    "a profile is a trace": async () => {
      const session = await loaded(plain());
      const { trace } = await session.run(["x"], [x()], { profile: true });
      same(JSON.parse(trace).traceEvents.some(({ args }) => JSON.stringify(args).includes("f32")), true);
    },
    "values are what they were made of": async () => {
      for (const dtype of ["i64", "f16", "bf16", "bool", "u4", "i2", "f8e4m3fn", "complex128"]) {
        const bits = { i64: 64, f16: 16, bf16: 16, bool: 8, u4: 4, i2: 2, f8e4m3fn: 8, complex128: 128 }[dtype];
        const bytes = Uint8Array.from({ length: (4 * bits) / 8 }, (_, i) => i % 2);
        const value = Value.tensor(dtype, Float64Array.of(2, 2), bytes);
        same([value.kind, value.dtype, value.dims, value.place], ["tensor", dtype, [2, 2], "cpu"]);
        same([...value.bytes()], [...bytes]);
      }
      await refused("invalid-input", "'f99'", () => Value.tensor("f99", Float64Array.of(), floats(1)));
      await refused("invalid-input", "takes 8 bytes, got 4", () => Value.tensor("f32", Float64Array.of(2), floats(1)));
      await refused("invalid-input", "1.5", () => Value.tensor("f32", Float64Array.of(1.5), floats(1)));
      await refused("limit-exceeded", "more elements", () =>
        Value.tensor("u8", Float64Array.of(2 ** 31, 2 ** 31), floats()));
    },
    "texts, sequences and optionals": async () => {
      const session = await loaded(texts());
      same(session.inputs.map(({ kind, text }) => [kind, text])[0], ["sequence", "sequence(string)"]);
      const word = (text) => Value.ofStrings(Float64Array.of(1), [text]);
      const given = Value.sequence("string", [word("zwölf")]);
      const { outputs } = await session.run(["s", "t"], [given, word("")]);
      same(outputs[0].items().map((item) => item.strings()), [["zwölf"], [""]]);
      same([Value.optional("f32").items().length, Value.optional("f32", two()).items().length], [0, 1]);
      await refused("invalid-input", "expected i64, got f32", () => Value.sequence("i64", [two()]));
      await refused("invalid-input", "'list'", () => Value.sequence("list", []));
      await refused("invalid-input", "strings()", () => word("x").bytes());
    },
    "a model comes in pieces of any size, of which the length may be unknown": async () => {
      const bytes = plain();
      for (const length of [bytes.length, undefined]) {
        const loading = new Loading(length);
        const piece = new Uint8Array(3);
        for (let i = 0; i < bytes.length; i += 3) {
          const part = bytes.subarray(i, i + 3);
          piece.set(part);
          loading.push(piece.subarray(0, part.length));
        }
        same((await loading.finish()).inputs.length, 1);
        await refused("invalid-input", "has ended", () => loading.finish());
        loading.free();
      }
    },
    "a model that cannot be loaded says so as soon as that is clear": async () => {
      await refused("io", "m: expected 4 bytes, 8 came", () => new Loading(4, { name: "m" }).push(floats(0, 0)));
      await refused("io", "expected 9 bytes, 8 came", () => {
        const loading = new Loading(9);
        loading.push(floats(0, 0));
        return loading.finish();
      });
      await refused("invalid-model", "m.onnx", () => 
        new Loading(1e6, { name: "m.onnx" }).push(new Uint8Array(5e5).fill(255)),
      );
      await refused("invalid-input", "'freeDimensions'", () => new Loading(4, { freeDimensions: 3 }));
      await refused("invalid-input", "whole number", () => new Loading(-4));
      await refused("limit-exceeded", "the limit is 4", async () => {
        const session = await loaded(plain(), { memoryLimit: 4 });
        return session.run(["x"], [x()]);
      });
    },
    "weights lie in files beside the model, which come in any order": async () => {
      const bytes = beside();
      for (const order of [["first.bin", "second.bin"], ["second.bin", "first.bin"]]) {
        const loading = new Loading(bytes.length);
        same(loading.needs(), undefined);
        loading.push(bytes);
        same(loading.needs(), ["first.bin", "second.bin"]);
        const contents = { "first.bin": floats(10, 20, 100, 200), "second.bin": floats(1000, 2000) };
        for (const path of order) {
          loading.file(path, contents[path].length);
          const piece = new Uint8Array(4);
          for (let i = 0; i < contents[path].length; i += 4) {
            piece.set(contents[path].subarray(i, i + 4));
            loading.push(piece, path);
          }
        }
        const session = await loading.finish();
        same(numbers((await session.run(["x"], [two()])).outputs[0]), [1111, 2222]);
      }
    },
    "files beside the model may come before it": async () => {
      const loading = new Loading(undefined);
      loading.file("first.bin", 16);
      loading.file("second.bin", 8);
      loading.push(floats(10, 20, 100, 200), "first.bin");
      loading.push(beside());
      loading.push(floats(1000, 2000), "second.bin");
      const session = await loading.finish();
      same(numbers((await session.run(["x"], [two()])).outputs[0]), [1111, 2222]);
    },
    "a file that does not come is named": async () => {
      const bytes = beside();
      const begun = () => {
        const loading = new Loading(bytes.length, { name: "m.onnx" });
        loading.push(bytes);
        loading.file("first.bin", 16);
        return loading;
      };
      await refused("not-found", "'second.bin'", () => begun().finish());
      await refused("invalid-input", "'third.bin'", () => begun().push(floats(1), "third.bin"));
      await refused("invalid-input", "announced before", () => begun().file("first.bin", 3));
      await refused("io", "first.bin: expected 16 bytes, 0 came", () => {
        const loading = begun();
        loading.file("second.bin", 8);
        return loading.finish();
      });
      await refused("invalid-model", "outside", () => {
        const loading = begun();
        loading.file("second.bin", 4);
        loading.push(floats(1), "second.bin");
        return loading.finish();
      });
    },
    "a context keeps what a model said": async () => {
      const context = (await loaded(growing())).context();
      const step = (count, options) =>
        context.run(["x"], [Value.tensor("f32", Float64Array.of(count, 2), new Uint8Array(count * 8))], options);
      same((await step(3)).outputs.map(({ dims }) => dims), [[3, 2]]);
      await step(1, { outputs: ["y"] });
      same(context.length, 4);
      const fork = context.fork();
      await context.truncate(2);
      same([context.length, fork.length], [2, 4]);
      await refused("invalid-input", "part of the past", () => step(1, { outputs: ["present.0.key"] }));
      await refused("invalid-input", "has x", () => context.run(["w"], [x()]));
      same(context.length, 2);
      context.reset();
      same(context.length, 0);
      const first = step(1, { breathe: 1e-9 });
      await refused("busy", "running already", () => step(1));
      await first;
      same(context.length, 1);
    },
    "a run that breathes lets others have their turn, and hears its signal": async () => {
      const session = await loaded(long(2000));
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 1);
      const { signal } = controller;
      await refused("cancelled", "", () => session.run(["x"], [x()], { signal, breathe: 1e-9 }));
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      const runs = [1, 2].map(() => session.run(["x"], [x()], { breathe: 1e-9 }));
      const steps = (await Promise.all(runs)).map(({ steps }) => steps);
      clearInterval(timer);
      same([steps, turns > 0], [[2000, 2000], true]);
    },
    "a signal gives loading up": async () => {
      const bytes = plain();
      const loading = new Loading(bytes.length);
      loading.push(bytes);
      await refused("cancelled", "", () => loading.finish(AbortSignal.abort()));
    },
  };
};

// `build` may be two, `SCRIPT/MODULE`: then the script of the one starts the module of the other.
export const open = async ({ build }) => {
  const [script, started = script] = build.split("/");
  const module = await import(`/ours/${script}/dist/edgewise.js`);
  await module.default({ module_or_path: fetch(`/ours/${started}/dist/edgewise_bg.wasm`) });
  const lines = await report(cases(module));
  return { run() {}, outputs: () => [], about: () => ({ lines }) };
};
