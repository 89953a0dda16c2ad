// A graph that grows by layers, whose products of matrices are in floats, halves, 8-bit or 4-bit integers.
//
// What a reader would get wrong: the numbers are the same in every kind before they are rounded, since each graph begins
// with the same seed and asks for them in the same order.
import { half } from "./numbers.mjs";

/** A graph; `kind` is what transformers.js calls a dtype. */
export const graph = (kind, seed = 1) => {
  const nodes = [];
  const weights = [];
  const float = kind === "fp16" ? "float16" : "float32";
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };

  const add = (op, inputs, attributes, domain) => {
    const output = `${op.toLowerCase()}_${nodes.length}`;
    nodes.push({ op, inputs, outputs: [output], attributes, domain });
    return output;
  };
  const put = (type, dims, data) => {
    const name = `w${weights.length}`;
    weights.push({ name, type, dims, data });
    return name;
  };
  const floats = (dims, data) =>
    put(float, dims, float === "float16" ? Uint16Array.from(data, half) : Float32Array.from(data));
  const noise = (dims, scale) =>
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * scale);

  const products = {
    fp32: (x, matrix, dims) => add("MatMul", [x, floats(dims, matrix)]),
    fp16: (x, matrix, dims) => add("MatMul", [x, floats(dims, matrix)]),
    // As onnxruntime's dynamic quantization writes it.
    q8: (x, matrix, dims) => {
      const scale = Math.max(...matrix.map(Math.abs)) / 127;
      const bytes = Int8Array.from(matrix, (value) => Math.round(value / scale));
      const parts = ["quantized", "scale", "zero"].map((part) => `${part}_${nodes.length}`);
      nodes.push({ op: "DynamicQuantizeLinear", inputs: [x], outputs: parts });
      const zero = put("int8", [], Int8Array.of(0));
      const sums = add("MatMulInteger", [parts[0], put("int8", dims, bytes), parts[2], zero]);
      const scales = add("Mul", [parts[1], floats([], [scale])]);
      return add("Mul", [add("Cast", [sums], { to: 1 }), scales]);
    },
    // Blocks of 32 weights of a column, two in each byte, around 8.
    q4: (x, matrix, [k, n]) => {
      const blocks = k / 32;
      const scales = new Float32Array(n * blocks);
      const bytes = new Uint8Array((n * k) / 2);
      const at = (column, row) => matrix[row * n + column];
      for (let column = 0; column < n; column++) {
        for (let block = 0; block < blocks; block++) {
          const rows = Array.from({ length: 32 }, (_, i) => at(column, block * 32 + i));
          const scale = Math.max(...rows.map(Math.abs)) / 7;
          const start = column * blocks + block;
          scales[start] = scale;
          rows.forEach((value, i) => {
            bytes[start * 16 + (i >> 1)] |= (Math.round(value / scale) + 8) << ((i & 1) * 4);
          });
        }
      }
      const packed = put("uint8", [n, blocks, 16], bytes);
      const attributes = { K: k, N: n, bits: 4, block_size: 32 };
      return add("MatMulNBits", [x, packed, floats([n * blocks], scales)], attributes, "com.microsoft");
    },
  };

  return {
    nodes,
    weights,
    float,
    add,
    floats,
    ints: (values) => put("int64", [values.length], BigInt64Array.from(values, BigInt)),
    random: (dims, scale) => floats(dims, noise(dims, scale)),
    linear: (x, k, n) => {
      const product = products[kind](x, noise([k, n], 2 / Math.sqrt(k)), [k, n]);
      return add("Add", [product, floats([n], noise([n], 0.1))]);
    },
    norm: (x, size) => {
      const scale = floats([size], Array(size).fill(1));
      const inputs = [x, scale, floats([size], noise([size], 0.1))];
      return add("LayerNormalization", inputs, { axis: -1, epsilon: { float: 1e-5 } });
    },
  };
};
