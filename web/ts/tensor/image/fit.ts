// Which part of an image is taken, how large the result is, and where in it that part goes.
//
// What a reader would get wrong: without both `resizedWidth` and `resizedHeight` nothing is resized.
import { EdgewiseError } from "../../errors";
import { invalid, oneOf, whole } from "../data";
import type { OptionResizedDimensions } from "./options";
import type { Source } from "./source";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rectangle extends Size {
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

/** The part of the image, the size of the result, and the rectangle in the result that the part fills. */
export const fitted = (
  source: Source,
  options: OptionResizedDimensions,
): { part: Rectangle; size: Size; at: Rectangle } => {
  const part = partOf(source, options.crop);
  const size = sizeOf(source, part, options);
  return { part, size, at: target(part, size, options.fit ?? source.fit ?? "fill") };
};
