// A BERT of two small layers with the head of a task, as its exporters write it.
import { encode } from "./proto.mjs";
import { graph } from "./layers.mjs";

export const SIZES = { hidden: 32, heads: 2, layers: 2, inner: 64, positions: 64 };
const EACH = SIZES.hidden / SIZES.heads;

/** What the heads give: names, and sizes of one token or of all. */
const HEADS = {
  features: (net, x) => ({ name: "last_hidden_state", value: x, dims: ["batch", "length", SIZES.hidden] }),
  tokens: (net, x, count) => ({
    name: "logits",
    value: net.linear(x, SIZES.hidden, count),
    dims: ["batch", "length", count],
  }),
  text: (net, x, count) => {
    const first = net.add("Squeeze", [net.add("Gather", [x, net.ints([0])], { axis: 1 }), net.ints([1])]);
    const pooled = net.add("Tanh", [net.linear(first, SIZES.hidden, SIZES.hidden)]);
    return { name: "logits", value: net.linear(pooled, SIZES.hidden, count), dims: ["batch", count] };
  },
};

const embedded = (net, vocabulary) => {
  const words = net.add("Gather", [net.random([vocabulary, SIZES.hidden], 1), "input_ids"]);
  const types = net.add("Gather", [net.random([2, SIZES.hidden], 1), "token_type_ids"]);
  const length = net.add("Gather", [net.add("Shape", ["input_ids"]), net.ints([1])]);
  const table = net.random([SIZES.positions, SIZES.hidden], 1);
  const positions = net.add("Slice", [table, net.ints([0]), length, net.ints([0])]);
  return net.norm(net.add("Add", [net.add("Add", [words, types]), positions]), SIZES.hidden);
};

/** Zero for tokens that are there, and as little as there is for padding. */
const masked = (net) => {
  const given = net.add("Cast", ["attention_mask"], { to: net.float === "float16" ? 10 : 1 });
  const wide = net.add("Unsqueeze", [given, net.ints([1, 2])]);
  const missing = net.add("Sub", [net.floats([], [1]), wide]);
  return net.add("Mul", [missing, net.floats([], [-10000])]);
};

const attended = (net, x, mask) => {
  const split = net.ints([0, 0, SIZES.heads, EACH]);
  const part = (perm) => {
    const all = net.add("Reshape", [net.linear(x, SIZES.hidden, SIZES.hidden), split]);
    return net.add("Transpose", [all], { perm });
  };
  const [query, key, value] = [part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])];
  const scores = net.add("Div", [net.add("MatMul", [query, key]), net.floats([], [Math.sqrt(EACH)])]);
  const weights = net.add("Softmax", [net.add("Add", [scores, mask])], { axis: -1 });
  const mixed = net.add("Transpose", [net.add("MatMul", [weights, value])], { perm: [0, 2, 1, 3] });
  return net.linear(net.add("Reshape", [mixed, net.ints([0, 0, SIZES.hidden])]), SIZES.hidden, SIZES.hidden);
};

const gelu = (net, x) => {
  const erf = net.add("Erf", [net.add("Div", [x, net.floats([], [Math.SQRT2])])]);
  const twice = net.add("Mul", [x, net.add("Add", [erf, net.floats([], [1])])]);
  return net.add("Mul", [twice, net.floats([], [0.5])]);
};

/** The file of a model of that kind, whose head has so many classes. */
export const bert = (kind, { head, classes, vocabulary }) => {
  const net = graph(kind);
  const mask = masked(net);
  let x = embedded(net, vocabulary);
  for (let layer = 0; layer < SIZES.layers; layer++) {
    x = net.norm(net.add("Add", [x, attended(net, x, mask)]), SIZES.hidden);
    const inner = gelu(net, net.linear(x, SIZES.hidden, SIZES.inner));
    x = net.norm(net.add("Add", [x, net.linear(inner, SIZES.inner, SIZES.hidden)]), SIZES.hidden);
  }
  const { name, value, dims } = HEADS[head](net, x, classes);
  // Halves stay inside: what goes in and comes out is as in all other kinds.
  net.nodes.push({ op: "Cast", inputs: [value], outputs: [name], attributes: { to: 1 } });
  const inputs = ["input_ids", "attention_mask", "token_type_ids"];
  return encode({
    name: "bert",
    nodes: net.nodes,
    weights: net.weights,
    inputs: inputs.map((input) => ({ name: input, type: "int64", dims: ["batch", "length"] })),
    outputs: [{ name, type: "float32", dims }],
  });
};
