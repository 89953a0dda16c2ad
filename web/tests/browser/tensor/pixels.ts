// What the tests of images share: both ways to a tensor, pixels to make it of, and comparisons that name what differs.
import { Tensor as Theirs } from "onnxruntime-common";
import type { ImageSource } from "../../../ts/tensor/image/options";
import { Tensor } from "../../../ts/tensor/tensor";
import type { TypedTensor } from "../../../ts/tensor/tensor";

export type Picture = TypedTensor<"float32"> | TypedTensor<"uint8">;
export type FromImage = (image: ImageSource, options?: object) => Promise<Picture>;

export const ours: FromImage = (image, options) => Tensor.fromImage(image, options);
export const theirs = Theirs.fromImage.bind(Theirs) as unknown as FromImage;

export const WIDTH = 23;
export const HEIGHT = 17;

/** Throws where two lists are not the same, number by number. */
export const equal = (mine: ArrayLike<unknown>, expected: ArrayLike<unknown>, what: string): void => {
  if (mine.length !== expected.length)
    throw new Error(`${what}: ${mine.length} items, not ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(mine[i], expected[i])) continue;
    throw new Error(`${what}: item ${i} is ${String(mine[i])}, not ${String(expected[i])}`);
  }
};

export const sameTensor = (mine: Picture, expected: Picture, what: string): void => {
  if (mine.type !== expected.type) throw new Error(`${what}: ${mine.type}, not ${expected.type}`);
  equal(mine.dims, expected.dims, `${what}: dims`);
  equal(mine.data, expected.data, what);
};

/** Throws unless a call fails with an error of that code whose message says so. */
export const fails = async (call: () => unknown, code: string, message: RegExp): Promise<void> => {
  const error: unknown = await (async () => call())().then(
    () => undefined,
    (error: unknown) => error,
  );
  const found =
    error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : String(error);
  if (!found.startsWith(`${code}: `) || !message.test(found))
    throw new Error(`${found}, not ${code}: ${message}`);
};

/** Random pixels; opaque ones unless `alpha` is given. */
export const noise = (seed: number, alpha?: "transparent", width = WIDTH, height = HEIGHT): ImageData => {
  const image = new ImageData(width, height);
  let state = seed;
  for (let i = 0; i < image.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    image.data[i] = i % 4 === 3 && !alpha ? 255 : state >>> 24;
  }
  return image;
};

export const canvasOf = (image: ImageData): HTMLCanvasElement => {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.width,
    height: image.height,
  });
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
};

export const urlOf = (image: ImageData): string => canvasOf(image).toDataURL();

export const elementOf = async (
  image: ImageData,
  size?: { width: number; height: number },
): Promise<HTMLImageElement> => {
  const element = Object.assign(new Image(), { src: urlOf(image), ...size });
  await element.decode();
  return element;
};
