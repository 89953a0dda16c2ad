// The places at which the detector looks: boxes of fixed sizes on four grids over the picture. What the model gives
// are corrections to them.
const GRIDS = [
  { stride: 8, sizes: [10, 16, 24] },
  { stride: 16, sizes: [32, 48] },
  { stride: 32, sizes: [64, 96] },
  { stride: 64, sizes: [128, 192, 256] },
];

/** How far a correction of 1 moves a box, and how much it stretches one. */
const [MOVES, STRETCHES] = [0.1, 0.2];

/** Centers and sizes in parts of the picture, four numbers each, in the model's order. */
export const anchorsOf = (width, height) => {
  const all = [];
  for (const { stride, sizes } of GRIDS) {
    const [columns, rows] = [Math.ceil(width / stride), Math.ceil(height / stride)];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const center = [((column + 0.5) * stride) / width, ((row + 0.5) * stride) / height];
        for (const size of sizes) all.push(...center, size / width, size / height);
      }
    }
  }
  return Float32Array.from(all);
};

/** Box `i`, corrected. */
export const boxAt = (anchors, corrections, i) => {
  const [x, y, width, height] = anchors.subarray(4 * i, 4 * i + 4);
  const [dx, dy, dw, dh] = corrections.subarray(4 * i, 4 * i + 4);
  const [half, tall] = [(width * Math.exp(dw * STRETCHES)) / 2, (height * Math.exp(dh * STRETCHES)) / 2];
  const [cx, cy] = [x + dx * MOVES * width, y + dy * MOVES * height];
  return { left: cx - half, top: cy - tall, right: cx + half, bottom: cy + tall };
};
