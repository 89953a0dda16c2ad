// The pixels of an image of whatever kind: the part that is wanted, in the size that is wanted.
//
// What a reader would get wrong: `ImageData` that is not scaled never passes through a canvas, which would lose the
// colors of transparent pixels. Everything else does, for there is no other way to its pixels.
import { unsupported } from "../data";
import { fitted, type Rectangle, type Size } from "./fit";
import type { OptionResizedDimensions, RawImage } from "./options";
import { isRaw, unreadable } from "./source";
import type { Source } from "./source";

/** The part without scaling; zeros where the result goes beyond it. */
const windowOf = (image: RawImage, part: Rectangle, { width, height }: Size): RawImage => {
  const data = new Uint8ClampedArray(4 * width * height);
  const across = 4 * Math.min(width, part.width);
  for (let y = 0; y < Math.min(height, part.height); y++) {
    const from = 4 * ((part.y + y) * image.width + part.x);
    data.set(image.data.subarray(from, from + across), 4 * y * width);
  }
  return { data, width, height };
};

/** An empty canvas to draw on. */
const canvasOf = ({ width, height }: Size): OffscreenCanvasRenderingContext2D => {
  const canvas = typeof OffscreenCanvas === "undefined" ? undefined : new OffscreenCanvas(width, height);
  const context = canvas?.getContext("2d", { willReadFrequently: true });
  if (context) return context;
  throw unsupported("there is no canvas here: give pixels, as { data, width, height }");
};

/** Something that can be drawn. */
const drawable = (image: Source["image"]): Exclude<Source["image"], RawImage> => {
  if (!isRaw(image)) return image;
  const context = canvasOf(image);
  const copy = context.createImageData(image.width, image.height);
  copy.data.set(image.data);
  context.putImageData(copy, 0, 0);
  return context.canvas;
};

/** The pixels of a source as the options want them. */
export const pixelsOf = (source: Source, options: OptionResizedDimensions): RawImage => {
  const { part, size, at } = fitted(source, options);
  const still = at.x === 0 && at.y === 0 && at.width === part.width && at.height === part.height;
  if (isRaw(source.image) && still) return windowOf(source.image, part, size);
  const context = canvasOf(size);
  const [to, from] = [
    [at.x, at.y, at.width, at.height],
    [part.x, part.y, part.width, part.height],
  ] as const;
  try {
    context.drawImage(drawable(source.image), ...from, ...to);
    return context.getImageData(0, 0, size.width, size.height);
  } catch (error) {
    return unreadable(error);
  }
};
