// The model that the tests in pages run: digits of 8 × 8 pixels, in integers.

import { Tensor, type InferenceSession } from "edgewise";

export const MODEL = "/zoo/digits/digits_int8.onnx";

/** So many pictures, the same ones for the same seed. */
export const pictures = (count: number, seed = 1): Float32Array => {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count * 64 }, () => Math.floor(next() * 17));
};

export const input = (count: number, seed?: number): Tensor =>
  new Tensor("float32", pictures(count, seed), [count, 1, 8, 8]);

/** What a session says of so many pictures. */
export const scores = async (session: InferenceSession, count = 3, seed?: number): Promise<Float32Array> => {
  const [name = ""] = session.inputNames;
  const results = await session.run({ [name]: input(count, seed) });
  const [output] = Object.values(results);
  return (output as Tensor).data as Float32Array;
};
