// A model that is larger than the memory of the module is to become: made here, loaded while it comes, and run once on
// the GPU. The line says how many bytes the model has, how many the module's memory, and what came out.
import init, { Value } from "/ours/relaxed/dist/edgewise.js";
import { load } from "/ours/relaxed/dist/load.js";
import { F32, OPSET, bytes, head, int, message, node, port, text } from "./onnx.mjs";

const MODULE = "/ours/relaxed/dist/edgewise_bg.wasm";

// So many products with square matrices of that size.
const COUNT = 16;
const SIZE = 2048;

const value = (i) => `x${i}`;

// A weight in front of its elements, which end the graph or stand in front of the next weight.
const ELEMENTS = SIZE * SIZE * 4;
const weight = (i) => {
  const sizes = message(int(1, SIZE), int(1, SIZE), int(2, F32), text(8, `w${i}`));
  const payload = head(9, ELEMENTS);
  return [...head(5, sizes.length + payload.length + ELEMENTS), ...sizes, ...payload];
};

// The model in pieces, and how long it is. All matrices but the last double a row; that one turns it round.
const model = () => {
  const all = [...Array(COUNT).keys()];
  const structure = all.flatMap((i) => bytes(1, node("MatMul", [value(i), `w${i}`], [value(i + 1)])));
  const ports = [...bytes(11, port(value(0), [1, SIZE])), ...bytes(12, port(value(COUNT), [1, SIZE]))];
  const heads = all.map(weight);
  const graph = structure.length + ports.length + heads.reduce((sum, head) => sum + head.length + ELEMENTS, 0);
  const first = [...OPSET, ...head(7, graph), ...structure, ...ports];
  const elements = (i) => {
    const matrix = new Float32Array(SIZE * SIZE);
    for (let k = 0; k < SIZE; k++) matrix[k * SIZE + (i < COUNT - 1 ? k : SIZE - 1 - k)] = 2;
    return new Uint8Array(matrix.buffer);
  };
  const pieces = function* () {
    yield Uint8Array.from(first);
    for (const i of all) {
      yield Uint8Array.from(heads[i]);
      yield elements(i);
    }
  };
  return { length: first.length + graph - structure.length - ports.length, pieces: pieces() };
};

export const open = async () => {
  const { memory } = await init({ module_or_path: fetch(MODULE) });
  const { length, pieces } = model();
  const body = new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  const response = new Response(body, { headers: { "Content-Length": length } });
  const session = await load(response, { device: "gpu" });
  const loaded = memory.buffer.byteLength;
  const row = Float32Array.from({ length: SIZE }, (_, i) => i);
  const x = Value.tensor("f32", Float64Array.of(1, SIZE), new Uint8Array(row.buffer));
  const { outputs: [y], steps, launches } = await session.run([value(0)], [x]);
  const got = new Float32Array(y.bytes().buffer);
  const right = got.every((y, i) => y === (SIZE - 1 - i) * 2 ** COUNT);
  const line = { model: length, memory: loaded, right, steps, launches };
  return { run() {}, outputs: () => [], about: () => ({ lines: [JSON.stringify(line)] }) };
};
