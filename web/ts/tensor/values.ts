// Values that are not tensors, as feeds and results have them: a sequence is an array, an optional without a value is
// null, and a map is a Map whose values are the elements of one tensor.
import { invalid, show } from "./data";
import { asTensor } from "./make";
import { Tensor } from "./tensor";

/** A map from integers or strings. */
export type OnnxMap = ReadonlyMap<bigint, Tensor.ElementType> | ReadonlyMap<string, Tensor.ElementType>;

/** What is no tensor. */
export type NonTensorValue = null | readonly OnnxValue[] | OnnxMap;

/** What flows into a model and out of it. */
export type OnnxValue = Tensor | NonTensorValue;

export type OnnxValueDataLocation = Tensor.DataLocation;

/** Sequences of sequences are as deep as a model's types, and no model's are as deep as this. */
const DEEPEST = 16;

const asMap = (map: ReadonlyMap<unknown, unknown>, what: string): OnnxMap => {
  const [first] = map.keys();
  const bad = [...map.keys()].find(
    (key) => typeof key !== typeof first || (typeof key !== "bigint" && typeof key !== "string"),
  );
  if (bad === undefined) return map as OnnxMap;
  throw invalid(`the keys of ${what} must be all bigints or all strings, not ${show(bad)}`);
};

/** What a caller gives as a value. `what` is what messages call it, such as `input "x"`. */
export const asValue = (value: unknown, what: string, depth = 0): OnnxValue => {
  if (value === null) return null;
  if (value instanceof Map) return asMap(value, what);
  if (!Array.isArray(value)) return asTensor(value, what);
  if (depth === DEEPEST) throw invalid(`${what} is a sequence of more than ${DEEPEST} levels`);
  return value.map((item: unknown, i) => asValue(item, `${what}[${i}]`, depth + 1));
};
