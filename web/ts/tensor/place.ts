// Where a tensor lies when it is not in an array: on the GPU, in the module, in a worker's module.
//
// What a reader would get wrong: a place is used up. Once the elements have come to an array, that array is what the
// tensor is, since callers may write to it, and the place is only kept to be let go.
import type { Tensor } from "./tensor";
import type { DataTypeMap, TensorType } from "./types";

/** Elements that lie elsewhere. What is left out cannot be done with them. */
export interface Place<T extends TensorType = TensorType> {
  /** What the tensor says of itself; `cpu` only with `read`. */
  readonly location: Exclude<Tensor.DataLocation, "none">;
  readonly texture?: Tensor.TextureType | undefined;
  readonly gpuBuffer?: Tensor.GpuBufferType | undefined;
  /** What a session knows the elements by. */
  readonly handle?: unknown;
  /** Brings the elements at once; the place is let go right after. */
  readonly read?: (() => DataTypeMap[T]) | undefined;
  /** Brings the elements. */
  readonly download?: (() => Promise<DataTypeMap[T]>) | undefined;
  /** Lets the elements go. Called once at most. */
  readonly dispose?: (() => void) | undefined;
}

/** The key under which a tensor keeps its place, the same in every copy of this script. */
export const PLACE: unique symbol = Symbol.for("edgewise.place") as never;

/** The place of a tensor's elements, unless they are in an array. */
export const placeOf = (tensor: Tensor): Place | undefined => {
  const place = Reflect.get(tensor, PLACE) as Place | undefined;
  return place?.location === tensor.location ? place : undefined;
};
