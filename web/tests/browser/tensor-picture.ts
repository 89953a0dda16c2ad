// Images of tensors in a browser: the pixels are those of onnxruntime-common where it gives the right ones.
import { Tensor as Theirs } from "onnxruntime-common";
import type { TensorToImageDataOptions } from "../../ts/tensor/image/options";
import { Tensor } from "../../ts/tensor/tensor";
import { HEIGHT, WIDTH, equal, fails, noise, ours } from "./tensor/pixels";

/** A tensor of [1, channels, height, width] of numbers around those from 0 to 1. */
const random = (channels: number, seed: number): Float32Array => {
  const pixels = noise(seed, "transparent", WIDTH * HEIGHT, 4).data;
  return Float32Array.from(pixels.subarray(0, channels * WIDTH * HEIGHT), (value) => value / 200 - 0.1);
};

const both = (channels: number, seed: number) => {
  const [data, dims] = [random(channels, seed), [1, channels, HEIGHT, WIDTH]];
  return { mine: new Tensor("float32", data, dims), expected: new Theirs("float32", data, dims) };
};

const toNorms: NonNullable<TensorToImageDataOptions["norm"]>[] = [
  {},
  { mean: 127.5, bias: -1 },
  { mean: 200 },
  { bias: 0.25 },
  { mean: [255, 128, 64], bias: [0, 0.5, -0.5] },
  { mean: [255, 128, 64, 200], bias: [0, 0.5, -0.5, 0.1] },
];

export const tests: Record<string, () => Promise<void>> = {
  "toImageData gives onnxruntime-common's pixels": async () => {
    for (const [channels, format] of [
      [3, "RGB"],
      [4, "RGBA"],
    ] as const) {
      const { mine, expected } = both(channels, channels);
      for (const norm of toNorms) {
        for (const options of [
          { format, norm },
          { format, norm, tensorLayout: "NCHW" as const },
        ]) {
          const other = expected.toImageData(options as object);
          const image = mine.toImageData(options);
          equal([image.width, image.height], [other.width, other.height], "size");
          equal(image.data, other.data, JSON.stringify(options));
        }
      }
      equal(mine.toImageData().data, expected.toImageData().data, "no options");
    }
  },

  "toDataURL gives the picture that onnxruntime-common gives, where it is opaque": async () => {
    for (const seed of [3, 4, 5]) {
      const { mine, expected } = both(3, seed);
      equal(mine.toDataURL(), expected.toDataURL(), "no options");
      for (const norm of toNorms) {
        const [url, other] = [mine.toDataURL({ norm }), expected.toDataURL({ norm } as object)];
        equal(url, other, JSON.stringify(norm));
      }
    }
  },

  "toDataURL rounds ties as onnxruntime-common does": async () => {
    const data = Float32Array.from({ length: 3 * 256 }, (_, i) => (i % 256) + 0.5);
    const options = { norm: { mean: 1 } };
    const mine = new Tensor(data, [1, 3, 16, 16]).toDataURL(options);
    equal(
      (await ours(mine)).data,
      (await ours(new Theirs(data, [1, 3, 16, 16]).toDataURL(options))).data,
      "ties",
    );
  },

  "an image that became a tensor becomes that image again, in every format and layout": async () => {
    const image = noise(14);
    for (const format of ["RGB", "RGBA", "BGR", "RBG"] as const) {
      for (const tensorLayout of ["NCHW", "NHWC"] as const) {
        const tensor = await ours(image, { tensorFormat: format, tensorLayout });
        equal(tensor.toImageData({ format, tensorLayout }).data, image.data, `${format} ${tensorLayout}`);
        const back = await ours(tensor.toDataURL({ format, tensorLayout }), {
          tensorFormat: format,
          tensorLayout,
        });
        equal(back.data, tensor.data, `${format} ${tensorLayout} by a URL`);
      }
    }
  },

  "one channel is gray, halves and bytes are numbers": async () => {
    const gray = new Tensor("float32", [0, 0.2, 0.4, 1], [1, 1, 2, 2]).toImageData();
    equal(gray.data, [0, 0, 0, 255, 51, 51, 51, 255, 102, 102, 102, 255, 255, 255, 255, 255], "float32");
    const half = new Tensor("float16", [0, 0.2, 0.4, 1], [1, 1, 2, 2]).toImageData();
    equal(half.data, gray.data, "float16");
    const bytes = new Tensor("uint8", [0, 51, 102, 255], [1, 1, 2, 2]).toImageData({ norm: { mean: 1 } });
    equal(bytes.data, gray.data, "uint8");
  },

  "tensors that are no images are refused": async () => {
    const make = (dims: number[]) => new Tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
    await fails(() => make([3, 2, 2]).toImageData(), "invalid-input", /four dimensions/);
    await fails(() => make([1, 3, 0, 2]).toImageData(), "invalid-input", /with elements/);
    await fails(() => make([1, 2, 2, 2]).toImageData(), "invalid-input", /3 channels, but the tensor has 2/);
    await fails(() => make([1, 3, 2, 2]).toImageData({ format: "RGBA" }), "invalid-input", /4 channels/);
    await fails(() => make([1, 4, 2, 2]).toDataURL({ format: "RGB" }), "invalid-input", /3 channels/);
    await fails(() => new Tensor(["a"], [1, 1, 1, 1]).toImageData(), "invalid-input", /strings/);
  },
};
