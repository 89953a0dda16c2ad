// Values that are not tensors, as feeds and results have them: a sequence is an array, an optional without a value is
// null, and a map is a Map whose values are the elements of one tensor.
import { invalid } from "./data";
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

/** What a caller gives as a value; maps as they are. `what` is what messages call it, such as `input "x"`. */
export const asValue = (value: unknown, what: string, depth = 0): OnnxValue => {
  if (value === null || value instanceof Map) return value;
  if (!Array.isArray(value)) return asTensor(value, what);
  if (depth === DEEPEST) throw invalid(`${what} is a sequence of more than ${DEEPEST} levels`);
  return value.map((item: unknown, i) => asValue(item, `${what}[${i}]`, depth + 1));
};
