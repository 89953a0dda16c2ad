// `toImageData` and `toDataURL` of a tensor: the first image of its batch.
//
// What a reader would get wrong: `norm.mean` is 255 by default whatever the type, so a tensor of bytes needs a mean
// of 1.
import { invalid, unsupported } from "../data";
import { numbersOf } from "../numbers";
import type { Elements } from "../numbers";
import { isInterleaved, normOf, orderOf } from "./norm";
import type { TensorToDataUrlOptions, TensorToImageDataOptions } from "./options";

/** What is needed of a tensor here. */
export interface Picture extends Elements {
  readonly dims: readonly number[];
}

/** Which color each channel is. One channel alone is gray; alpha is left out unless the format has it. */
const channelsOf = (channels: number, format: TensorToImageDataOptions["format"]): readonly number[] => {
  const order = orderOf(format ?? "RGB", "format");
  if (channels === 1) return [];
  if (channels === order.length || (channels === 4 && format === undefined)) return order;
  throw invalid(
    `an image of format ${format ?? "RGB"} has ${order.length} channels, but the tensor has ${channels}`,
  );
};

/** The first image. Numbers pass through `round` on their way to bytes, which round ties to even by themselves. */
const imageOf = (
  tensor: Picture,
  options: TensorToImageDataOptions,
  round: (x: number) => number,
): ImageData => {
  if (typeof ImageData === "undefined") {
    throw unsupported("there is no ImageData here: use the data");
  }
  const { dims } = tensor;
  const interleaved = isInterleaved(options.tensorLayout);
  const [batch = 0, ...axes] = dims;
  const [height = 0, width = 0, channels = 0] = interleaved ? axes : [axes[1], axes[2], axes[0]];
  if (dims.length !== 4 || batch * height * width * channels === 0) {
    throw invalid(`an image is a tensor of four dimensions with elements, not of [${dims.join(", ")}]`);
  }
  const order = channelsOf(channels, options.format);
  const { bias, mean } = normOf(options, 255);
  const numbers = numbersOf(tensor);
  const area = width * height;
  const image = new ImageData(width, height);
  image.data.fill(255);
  const [start, step] = interleaved ? [1, channels] : [area, 1];
  for (let color = 0; color < (order.includes(3) ? 4 : 3); color++) {
    const channel = Math.max(order.indexOf(color), 0);
    const [subtract, factor] = [bias[color] ?? 0, mean[color] ?? 1];
    for (let i = 0, at = channel * start; i < area; i++, at += step) {
      image.data[4 * i + color] = round(((numbers[at] ?? 0) - subtract) * factor);
    }
  }
  return image;
};

export const toImageData = (tensor: Picture, options: TensorToImageDataOptions = {}): ImageData =>
  imageOf(tensor, options, (x) => x);

export const toDataURL = (tensor: Picture, options: TensorToDataUrlOptions = {}): string => {
  if (typeof document === "undefined") {
    throw unsupported("there is no document here: draw toImageData() on an OffscreenCanvas");
  }
  // Ties go up, as they do in colors of CSS.
  const image = imageOf(tensor, options, Math.round);
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.width,
    height: image.height,
  });
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas.toDataURL();
};
