// `Tensor.fromImage`.
//
// What a reader would get wrong: numbers of `norm` belong to colors and not to channels of the tensor, so the first one
// is that of red in BGR too.
import { oneOf } from "../data";
import { isInterleaved, normOf, orderOf } from "./norm";
import type { ImageFormat, ImageSource, RawImage, TensorFromImageDataOptions } from "./options";
import { pixelsOf } from "./pixels";
import { open } from "./source";

/** The elements of a tensor of one image. */
export interface ImageElements {
  readonly type: "float32" | "uint8";
  readonly data: Float32Array | Uint8ClampedArray;
  readonly dims: readonly number[];
}

/** Pixels as the elements of a tensor. */
const elementsOf = (
  pixels: RawImage,
  format: ImageFormat,
  options: TensorFromImageDataOptions,
): ImageElements => {
  const type = oneOf(options.dataType ?? "float32", ["float32", "uint8"], "dataType");
  const order = orderOf(format, "tensorFormat");
  const { bias, mean } = normOf(options, type === "uint8" ? 1 : 255);
  const interleaved = isInterleaved(options.tensorLayout);
  const { width, height } = pixels;
  const [area, channels] = [width * height, order.length];
  // Bytes round and stop at their limits.
  const data = type === "uint8" ? new Uint8ClampedArray(area * channels) : new Float32Array(area * channels);
  const [start, step] = interleaved ? [1, channels] : [area, 1];
  order.forEach((color, channel) => {
    const [add, divisor] = [bias[color] ?? 0, mean[color] ?? 1];
    for (let i = 0, at = channel * start; i < area; i++, at += step) {
      data[at] = ((pixels.data[4 * i + color] ?? 0) + add) / divisor;
    }
  });
  const dims = interleaved ? [1, height, width, channels] : [1, channels, height, width];
  return { type, data, dims };
};

/** The elements of a tensor of an image. */
export const fromImage = async (
  image: ImageSource,
  options: TensorFromImageDataOptions = {},
): Promise<ImageElements> => {
  const source = await open(image);
  try {
    const format = options.tensorFormat ?? source.format ?? "RGB";
    return elementsOf(pixelsOf(source, options), format, options);
  } finally {
    source.close?.();
  }
};
