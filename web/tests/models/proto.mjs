// Writes ONNX models: as much of protocol buffers as they need.
//
// What a reader would get wrong: fields have numbers and no names in a file; those here are of `onnx.proto`.

const varint = (n) => {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(n)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
};

const int = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const held = (field, bytes) => Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
const text = (field, string) => held(field, Buffer.from(string));
const float = (field, x) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(x);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
};

/** The types of elements that tensors here have, by ONNX's numbers. */
export const TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

// Data lies in a file beside the model where `file` names one.
const elements = ({ data, file }) => {
  if (file === undefined) return held(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([held(13, Buffer.concat([text(1, "location"), text(2, file)])), int(14, 1)]);
};

const tensor = ({ name, type, dims, ...where }) =>
  Buffer.concat([...dims.map((size) => int(1, size)), int(2, TYPES[type]), text(8, name), elements(where)]);

// Whole numbers are integers, all others floats: `1.5`, or `{ float: 1 }`.
const attribute = ([name, value]) => {
  if (Array.isArray(value)) {
    return Buffer.concat([text(1, name), ...value.map((n) => int(8, n)), int(20, 7)]);
  }
  if (typeof value === "object") return Buffer.concat([text(1, name), float(2, value.float), int(20, 1)]);
  return Buffer.concat([text(1, name), int(3, value), int(20, 2)]);
};

const node = ({ op, inputs, outputs, domain = "", attributes = {} }, i) =>
  Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, `${op}_${i}`),
    text(4, op),
    ...Object.entries(attributes).map((entry) => held(5, attribute(entry))),
    text(7, domain),
  ]);

const port = ({ name, type, dims }) => {
  const sizes = dims.map((size) => held(1, typeof size === "string" ? text(2, size) : int(1, size)));
  const shape = held(2, Buffer.concat(sizes));
  return Buffer.concat([text(1, name), held(2, held(1, Buffer.concat([int(1, TYPES[type]), shape])))]);
};

const opset = (domain, version) => held(8, Buffer.concat([text(1, domain), int(2, version)]));

/** The file of a model. */
export const encode = ({ name, nodes, weights, inputs, outputs }) => {
  const graph = Buffer.concat([
    ...nodes.map((each, i) => held(1, node(each, i))),
    text(2, name),
    ...weights.map((each) => held(5, tensor(each))),
    ...inputs.map((each) => held(11, port(each))),
    ...outputs.map((each) => held(12, port(each))),
  ]);
  return Buffer.concat([int(1, 8), held(7, graph), opset("", 17), opset("com.microsoft", 1)]);
};
