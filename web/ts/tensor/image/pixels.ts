// The pixels of an image of whatever kind: the part that is wanted, in the size that is wanted.
//
// What a reader would get wrong: `ImageData` that is not scaled never passes through a canvas, which would lose the
// colors of transparent pixels. Everything else does, for there is no other way to its pixels.
import { EdgewiseError } from "../../errors";
import { invalid, oneOf, unsupported, whole } from "../data";
import type { OptionResizedDimensions, RawImage } from "./options";
import { isRaw, unreadable } from "./source";
import type { Source } from "./source";

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Rectangle extends Size {
  readonly x: number;
  readonly y: number;
}

/** The part of an image that is taken. */
const partOf = ({ width, height }: Size, crop: Rectangle | undefined): Rectangle => {
  if (!crop) return { x: 0, y: 0, width, height };
  const right = whole(crop.x, 0, "crop.x") + whole(crop.width, 1, "crop.width");
  const bottom = whole(crop.y, 0, "crop.y") + whole(crop.height, 1, "crop.height");
  if (right <= width && bottom <= height) return crop;
  throw invalid(`crop goes to ${right} × ${bottom}, but the image is ${width} × ${height}`);
};

/** As many pixels as a canvas of a browser may have. */
const MOST = 2 ** 28;

/** The size of the result. */
const sizeOf = (source: Source, part: Size, options: OptionResizedDimensions): Size => {
  const { resizedWidth, resizedHeight, crop } = options;
  if (resizedWidth === undefined || resizedHeight === undefined) return crop ? part : (source.frame ?? part);
  const width = whole(resizedWidth, 1, "resizedWidth");
  const height = whole(resizedHeight, 1, "resizedHeight");
  if (width * height <= MOST) return { width, height };
  throw new EdgewiseError("limit-exceeded", `${width} × ${height} are more than ${MOST} pixels`);
};

/** Where the part of the image goes; what lies outside of the result is cut off. */
const target = (part: Size, { width, height }: Size, fit: string): Rectangle => {
  const across = width / part.width;
  const down = height / part.height;
  const scales = {
    fill: [across, down],
    contain: [Math.min(across, down)],
    cover: [Math.max(across, down)],
    window: [1],
  };
  const [scale = 1, other = scale] = scales[oneOf(fit, ["fill", "contain", "cover", "window"], "fit")];
  const scaled = { width: part.width * scale, height: part.height * other };
  const center = fit === "window" ? 0 : 0.5;
  return { x: (width - scaled.width) * center, y: (height - scaled.height) * center, ...scaled };
};

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
  const part = partOf(source, options.crop);
  const size = sizeOf(source, part, options);
  const { x, y, width, height } = target(part, size, options.fit ?? source.fit ?? "fill");
  const still = x === 0 && y === 0 && width === part.width && height === part.height;
  if (isRaw(source.image) && still) return windowOf(source.image, part, size);
  const context = canvasOf(size);
  try {
    context.drawImage(drawable(source.image), part.x, part.y, part.width, part.height, x, y, width, height);
    return context.getImageData(0, 0, size.width, size.height);
  } catch (error) {
    return unreadable(error);
  }
};
