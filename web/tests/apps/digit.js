// The digit that every application reads.

// A three of 8 × 8 pixels.
const PICTURE = `
  0 0 7 15 13 1 0 0
  0 8 13 6 15 4 0 0
  0 2 1 13 13 0 0 0
  0 0 2 15 11 1 0 0
  0 0 0 1 12 12 1 0
  0 0 0 0 1 10 8 0
  0 0 8 4 5 14 9 0
  0 0 7 13 13 9 0 0`;

export const image = (Tensor) =>
  new Tensor("float32", Float32Array.from(PICTURE.trim().split(/\s+/), Number), [1, 1, 8, 8]);
