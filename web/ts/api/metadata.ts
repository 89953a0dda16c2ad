// What a session says of its inputs and outputs.

import type { Port } from "../engine/engine";
import { elementTypeOf, type TensorType } from "../tensor/types";

export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: TensorType;
      /** Sizes; a name where it is free. Empty for a scalar, and where the model does not tell. */
      readonly shape: readonly (number | string)[];
    };

export const metadata = ({ name, kind, dtype = "", dims = [] }: Port): ValueMetadata => {
  const element = kind === "tensor" ? elementTypeOf(dtype) : undefined;
  return element ? { name, isTensor: true, type: element.type, shape: dims } : { name, isTensor: false };
};
