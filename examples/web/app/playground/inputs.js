// A form for the inputs of any model: sizes that it leaves open, and elements at random or as somebody writes them.
//
// What a reader would get wrong: an open size has a name, and all inputs that use the name get the same size.
import { Tensor } from "edgewise";
import { $, make } from "../shared/dom.js";

const KINDS = [
  ["random", "Random"],
  ["zeros", "Zeros"],
  ["ones", "Ones"],
  ["given", "As written below"],
];

/** Beyond this, a typing error would cost the page its memory. */
const MOST_ELEMENTS = 2 ** 26;

const symbolsOf = (session) => {
  const dims = session.inputMetadata.flatMap(({ isTensor, shape }) => (isTensor ? shape : []));
  return [...new Set(dims.filter((dim) => typeof dim === "string"))];
};

/** Shows the form for this session's inputs. */
export const showInputs = (session) => {
  const sizes = symbolsOf(session).map((name) => {
    const input = make("input", { type: "number", min: "0", value: "1", "data-size": name });
    return make("label", {}, make("code", {}, name || "open size"), input);
  });
  $("sizes").replaceChildren(...sizes);
  $("fields").replaceChildren(...session.inputMetadata.map(field));
  $("inputs").hidden = false;
};

const field = ({ name, isTensor, type, shape }) => {
  const title = make("code", {}, name);
  if (!isTensor) return make("p", {}, title, " is no tensor; this page cannot make it up.");
  const kinds = KINDS.map(([value, text]) => make("option", { value }, text));
  const written = make("textarea", {
    "data-written": name,
    hidden: true,
    "aria-label": `Elements of ${name}`,
    placeholder: "Numbers or strings, separated by commas or spaces; fewer are repeated",
  });
  const change = ({ target }) => (written.hidden = target.value !== "given");
  const kind = make("select", { "data-kind": name, change }, ...kinds);
  const label = make("label", {}, make("span", {}, title, ` ${type} [${shape.join(", ")}]`), kind);
  return make("div", { style: "margin: 0.75rem 0" }, label, written);
};

const value = (kind, name) => document.querySelector(`[data-${kind}="${CSS.escape(name)}"]`)?.value ?? "";

/** What the form says, as tensors. */
export const feedsOf = (session) =>
  Object.fromEntries(
    session.inputMetadata
      .filter(({ isTensor }) => isTensor)
      .map(({ name, type, shape }) => [name, tensor(name, type, shape.map(sizeOf))]),
  );

const sizeOf = (dim) => {
  if (typeof dim === "number") return dim;
  const size = Number(value("size", dim));
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw new RangeError(`the size '${dim}' must be a whole number, not '${value("size", dim)}'`);
};

const tensor = (name, type, dims) => {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count > MOST_ELEMENTS)
    throw new RangeError(`'${name}' would have ${count} elements; make sizes smaller`);
  const make = elements(value("kind", name), type, value("written", name));
  return new Tensor(
    type,
    Array.from({ length: count }, (_, i) => make(i)),
    dims,
  );
};

/** What makes element `i`. */
const elements = (kind, type, written) => {
  if (kind === "given") {
    const words = written.split(/[\s,]+/).filter(Boolean);
    if (words.length === 0) throw new RangeError("write at least one element, or choose how they are made");
    return (i) => convert(type, words[i % words.length]);
  }
  if (type === "string") return () => "a";
  if (kind === "zeros") return () => convert(type, 0);
  if (kind === "ones") return () => convert(type, 1);
  // Of integers only 0 and 1: they may be indices, and most models have at least two of whatever it is.
  return () =>
    convert(type, type.startsWith("float") || type === "bfloat16" ? Math.random() : Math.random() < 0.5);
};

const convert = (type, element) => {
  if (type === "string") return String(element);
  if (type === "bool") return element === "true" || Number(element) === 1;
  return type === "int64" || type === "uint64" ? BigInt(element) : Number(element);
};
