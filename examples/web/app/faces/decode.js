// From what a detector says of thousands of places to the faces that there are.
import { boxAt } from "./anchors.js";

/** How much two boxes share of what they cover together. */
const overlap = (a, b) => {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
};

const area = ({ left, top, right, bottom }) => (right - left) * (bottom - top);

/** More than this, and two boxes are of the same face. */
const SAME = 0.3;

/** Boxes in parts of the picture, the surest first. `scores` are pairs, of which the second is that of a face. */
export const facesOf = (scores, corrections, anchors, least) => {
  const sure = [];
  for (let i = 0; i < scores.length / 2; i++) {
    const score = scores[2 * i + 1];
    if (score < least) continue;
    sure.push({ score, ...boxAt(anchors, corrections, i) });
  }
  const faces = [];
  for (const box of sure.sort((a, b) => b.score - a.score)) {
    if (faces.every((face) => overlap(face, box) <= SAME)) faces.push(box);
  }
  return faces;
};
