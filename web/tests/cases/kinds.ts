// What the inputs and outputs of a model are, by its file: the files of values do not say it themselves.
import { fields, held } from "./wire";

/** What a value is; a sequence and an optional are of something else. */
export type Kind =
  | { readonly kind: "tensor" }
  | { readonly kind: "sequence" | "optional"; readonly of: Kind }
  | { readonly kind: "unknown" };

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What is inside of the field of a message that has that number. */
const within = (message: Uint8Array, number: number): Uint8Array => {
  const found = [...fields(message)].find((field) => field.number === number);
  return found ? held(found) : new Uint8Array();
};

/** By a TypeProto. */
const kindOf = (type: Uint8Array): Kind => {
  for (const field of fields(type)) {
    if (field.number === 1) return { kind: "tensor" };
    if (field.number === 4) return { kind: "sequence", of: kindOf(within(held(field), 1)) };
    if (field.number === 9) return { kind: "optional", of: kindOf(within(held(field), 1)) };
  }
  return { kind: "unknown" };
};

/** The kinds of a model's inputs and outputs, by their names. */
export const kindsOf = (model: Uint8Array): ReadonlyMap<string, Kind> => {
  const ports = [...fields(within(model, 7))].filter(({ number }) => number === 11 || number === 12);
  return new Map(ports.map(held).map((port) => [text(within(port, 1)), kindOf(within(port, 2))]));
};
