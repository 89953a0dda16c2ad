// Reads protocol buffers: the fields of a message, one after the other.
//
// What a reader would get wrong: a repeated field of numbers may come packed into one field or as a field for each, and
// readers must take both.

/** A field: a number that stands by itself, or bytes that mean what the message says. */
export type Field =
  | { readonly number: number; readonly integer: bigint }
  | { readonly number: number; readonly bytes: Uint8Array };

const VARINT = 0;
const SIZED = 2;
/** How many bytes the fields of a wire type have. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The variable-length integer at a place, and where it ends. */
const varint = (bytes: Uint8Array, start: number): [value: bigint, end: number] => {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Error("the message ends within a number");
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return [BigInt.asUintN(64, value), start + i + 1];
  }
  throw new Error("a number has more than 10 bytes");
};

/** The fields of a message, in its order. */
export function* fields(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const [key, start] = varint(message, at);
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (wire === VARINT) {
      const [integer, end] = varint(message, start);
      yield { number, integer };
      at = end;
      continue;
    }
    const [length, from] = wire === SIZED ? varint(message, start) : [FIXED[wire], start];
    if (length === undefined) throw new Error(`field ${number} has the unknown wire type ${wire}`);
    at = from + Number(length);
    if (at > message.length) throw new Error(`field ${number} ends behind its message`);
    yield { number, bytes: message.subarray(from, at) };
  }
}

/** The integers of a field, packed or not. */
export const integers = (field: Field): bigint[] => {
  if ("integer" in field) return [field.integer];
  const all: bigint[] = [];
  for (let at = 0; at < field.bytes.length;) {
    const [value, end] = varint(field.bytes, at);
    all.push(value);
    at = end;
  }
  return all;
};

/** What a field holds, where that is a message, a text or numbers of fixed size. */
export const held = (field: Field): Uint8Array => {
  if ("bytes" in field) return field.bytes;
  throw new Error(`field ${field.number} is an integer; it should have bytes`);
};

/** The bytes of all fields with that number, in a buffer of their own. */
export const joined = (all: readonly Field[], number: number): Uint8Array<ArrayBuffer> => {
  const parts = all.filter((field) => field.number === number).map(held);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
