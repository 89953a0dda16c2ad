// Tensors as the rest of the package makes them: of elements that lie elsewhere, and of what callers call a tensor.
import { EdgewiseError, typed } from "../errors";
import { Ready } from "./arguments";
import { TensorImpl } from "./class";
import { invalid, known, show, sizeOf } from "./data";
import { PLACE } from "./place";
import type { Place } from "./place";
import { Tensor } from "./tensor";
import type { TypedTensor } from "./tensor";

/** A tensor whose elements lie elsewhere. */
export const placed = <T extends Tensor.Type>(
  type: T,
  dims: readonly number[],
  place: Place<T>,
): TypedTensor<T> => {
  known(type);
  const parts = { type, dims: [...dims], size: sizeOf(dims), location: place.location, place };
  return new TensorImpl(new Ready(parts)) as unknown as TypedTensor<T>;
};

/** What onnxruntime-common's tensors have, and transformers.js' around them. */
interface Like {
  readonly type: unknown;
  readonly dims: unknown;
  readonly location?: unknown;
  readonly data: unknown;
  readonly texture: unknown;
  readonly gpuBuffer: unknown;
  getData?(): Promise<unknown>;
}

/** Whether a value looks like a tensor of any package. */
export const isLike = (value: unknown): value is Like =>
  typeof value === "object" && value !== null && "type" in value && "dims" in value;

/** Which property holds the elements; all others throw. */
const HOLDERS = new Map<unknown, "data" | "texture" | "gpuBuffer">([
  ["cpu", "data"],
  ["cpu-pinned", "data"],
  ["texture", "texture"],
  ["gpu-buffer", "gpuBuffer"],
]);

/** A tensor of another package's: it shares the elements, and does not own them. */
const adopt = (like: Like): Tensor => {
  const { type, dims, location = "cpu" } = like;
  if (location === "none") throw new EdgewiseError("disposed", "the tensor was disposed");
  const holder = HOLDERS.get(location);
  const download = like.getData && (() => like.getData?.());
  // The constructor checks it all.
  const params = { location, type, dims, download, ...(holder && { [holder]: like[holder] }) };
  return new TensorImpl(params) as unknown as Tensor;
};

/**
 * What a caller gives as a tensor. Tensors of other packages and of other copies of this one count, and so does any
 * `{ type, data, dims }`. `what` is what messages call it, such as `input "x"`.
 */
export const asTensor = (value: unknown, what: string): Tensor => {
  if (value instanceof Tensor || (isLike(value) && PLACE in value)) return value as Tensor;
  if (!isLike(value)) {
    throw invalid(
      `${what} must be a Tensor, not ${show(value)}: new Tensor("float32", data, dims) makes one`,
    );
  }
  try {
    return adopt(value);
  } catch (error) {
    const { code, message } = typed(error, "invalid-input");
    throw new EdgewiseError(code, `${what}: ${message}`, { cause: error });
  }
};
