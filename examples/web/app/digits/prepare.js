// From a drawing to the model's input, by the rule of the model's package: gray, light ink on dark, the mean of each
// of 8 × 8 cells.
//
// What a reader would get wrong: the rule stretches the whole picture over the cells. The digits that the model knows
// fill theirs, so the drawing is first cut to a square around its ink.
export const SIZE = 8;
const INK = 128;

/** Grays of the pixels, 0 is black: Rec. 601 in units of 1/65536, on white paper. */
const grays = ({ data }) => {
  const gray = new Uint8Array(data.length / 4);
  for (let i = 0; i < gray.length; i++) {
    const [red, green, blue, alpha] = data.subarray(4 * i, 4 * i + 4);
    const luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    gray[i] = Math.floor((luma * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return gray;
};

/** The square around the ink; nothing where there is none. It may reach beyond the picture, which is paper there. */
const square = (gray, width) => {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  gray.forEach((value, i) => {
    if (value >= INK) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  });
  if (right < 0) return undefined;
  const size = Math.max(right - left, bottom - top) + 1;
  return { x: left - ((size - (right - left + 1)) >> 1), y: top - ((size - (bottom - top + 1)) >> 1), size };
};

/** How much of pixel `k` lies in cell `i`, of an axis of that length, in units of 1/8 pixel. */
const overlap = (i, k, length) =>
  Math.max(0, Math.min(length * (i + 1), SIZE * (k + 1)) - Math.max(length * i, SIZE * k));

/** The 64 numbers from 0 to 1, ink light; nothing for a picture without ink. */
export const prepare = (image) => {
  const gray = grays(image);
  const cut = square(gray, image.width);
  if (!cut) return undefined;
  const { x, y, size } = cut;
  const inside = (px, py) => px >= 0 && py >= 0 && px < image.width && py < image.height;
  const ink = (px, py) => (inside(px, py) ? 255 - gray[py * image.width + px] : 0);
  const cells = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < cells.length; i++) cells[i] = cell(Math.floor(i / SIZE), i % SIZE);
  return cells;

  function cell(row, column) {
    const range = (i) => [Math.floor((size * i) / SIZE), Math.ceil((size * (i + 1)) / SIZE)];
    const [[top, bottom], [left, right]] = [range(row), range(column)];
    let total = 0;
    for (let py = top; py < bottom; py++) {
      for (let px = left; px < right; px++) {
        total += overlap(row, py, size) * overlap(column, px, size) * ink(x + px, y + py);
      }
    }
    return total / (255 * size * size);
  }
};
