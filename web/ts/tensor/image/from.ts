// `Tensor.fromImage`.
//
// What a reader would get wrong: numbers of `norm` belong to colors and not to channels of the tensor, so the first one
// is that of red in BGR too.
import { oneOf } from "../data";
import { isInterleaved, normOf, orderOf } from "./norm";
import type { ImageFormat, ImageSource, RawImage, TensorFromImageDataOptions } from "./options";
import { pixelsOf } from "./pixels";
import { open } from "./source";

type Elements = Float32Array | Uint8ClampedArray;

/** The elements of a tensor of one image. */
export interface ImageElements {
  readonly type: "float32" | "uint8";
  readonly data: Elements;
  readonly dims: readonly number[];
}

/** Every fourth byte as an element: one channel. */
const fill = (data: Elements, at: number, step: number, bytes: Uint8ClampedArray, values: Elements): void => {
  for (let i = 0; i < bytes.length; i += 4, at += step) data[at] = values[bytes[i] ?? 0] ?? 0;
};

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
  const Class = type === "uint8" ? Uint8ClampedArray : Float32Array;
  const data = new Class(area * channels);
  const [start, step] = interleaved ? [1, channels] : [area, 1];
  order.forEach((color, channel) => {
    // There are but 256 bytes.
    const values = new Class(256).map((_, byte) => (byte + (bias[color] ?? 0)) / (mean[color] ?? 1));
    fill(data, channel * start, step, pixels.data.subarray(color), values);
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
