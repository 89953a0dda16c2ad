// What a session says of its inputs and outputs.

import type { Port } from "../engine/engine";
import { named, type Type } from "../tensor/types";

export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: Type;
      /** Sizes; a name where it is free. Empty for a scalar, and where the model does not tell. */
      readonly shape: readonly (number | string)[];
    };

export const metadata = ({ name, kind, dtype, dims = [] }: Port): ValueMetadata =>
  kind === "tensor" && dtype !== undefined
    ? { name, isTensor: true, type: named(dtype), shape: dims }
    : { name, isTensor: false };
