// Models that tests make themselves: messages of protobuf, as arrays of bytes.
const varint = (n) => {
  const bytes = [];
  for (; n >= 0x80; n = Math.floor(n / 0x80)) bytes.push((n % 0x80) | 0x80);
  return [...bytes, n];
};

// Fields of a message, by number: a number, a message, a text.
export const message = (...fields) => fields.flat();
export const int = (field, n) => [...varint(field << 3), ...varint(n)];
export const bytes = (field, inner) => [...head(field, inner.length), ...inner];
export const text = (field, string) => bytes(field, [...new TextEncoder().encode(string)]);

// What stands in front of so many bytes.
export const head = (field, length) => [...varint((field << 3) | 2), ...varint(length)];

export const F32 = 1;

const dim = (size) => bytes(1, typeof size === "number" ? int(1, size) : text(2, size));

// An input or an output; a size may be a symbol.
export const port = (name, dims, type = F32) =>
  message(text(1, name), bytes(2, bytes(1, message(int(1, type), bytes(2, dims.flatMap(dim))))));

export const node = (op, inputs, outputs, ...attributes) =>
  message(
    inputs.flatMap((name) => text(1, name)),
    outputs.flatMap((name) => text(2, name)),
    text(4, op),
    attributes.flatMap((attribute) => bytes(5, attribute)),
  );

// A tensor whose elements lie in another file.
export const external = (name, dims, location, offset) => {
  const entry = (key, value) => bytes(13, message(text(1, key), text(2, `${value}`)));
  const sizes = dims.flatMap((size) => int(1, size));
  return message(sizes, int(2, F32), text(8, name), entry("location", location), entry("offset", offset), int(14, 1));
};

// What stands around a graph.
export const OPSET = [...int(1, 8), ...bytes(8, message(text(1, ""), int(2, 18)))];

export const model = ({ nodes, inputs, outputs, weights = [] }) => {
  const all = (field, messages) => messages.flatMap((inner) => bytes(field, inner));
  const graph = message(all(1, nodes), all(5, weights), all(11, inputs), all(12, outputs));
  return Uint8Array.from([...OPSET, ...bytes(7, graph)]);
};
