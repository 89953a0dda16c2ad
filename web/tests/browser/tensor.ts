// Tensors of images in a browser: the elements are those of onnxruntime-common, for every source and every combination
// of options. Where they differ, a test says how and why.
import { Tensor as Theirs } from "onnxruntime-common";
import type { ImageFormat, ImageSource, TensorFromImageDataOptions } from "../../ts/tensor/image/options";
import { toFloat32Array } from "../../ts/tensor/numbers";
import { Tensor } from "../../ts/tensor/tensor";
import type { TypedTensor } from "../../ts/tensor/tensor";
import { elementOf, equal, noise, ours, sameTensor, theirs, urlOf } from "./tensor/pixels";

const formats: (ImageFormat | undefined)[] = [undefined, "RGB", "RGBA", "BGR", "RBG"];
const norms: TensorFromImageDataOptions["norm"][] = [
  undefined,
  { mean: 255, bias: 0 },
  { mean: 127.5, bias: -127.5 },
  { mean: [58.395, 57.12, 57.375], bias: [-123.675, -116.28, -103.53] },
  { mean: [1, 2, 3, 4], bias: [0.1, 0.2, 0.3, 0.4] },
  { mean: [0.5, 1e-3, 1e6], bias: 7 },
];
const sizes = [
  {},
  { resizedWidth: 9, resizedHeight: 5 },
  { resizedWidth: 40, resizedHeight: 30 },
  { resizedWidth: 40, resizedHeight: 5 },
  { resizedWidth: 9 },
  { resizedHeight: 30 },
];

/** All combinations of options that onnxruntime-common takes, without those that are undefined. */
const combinations = (some: typeof formats, others: object[]): TensorFromImageDataOptions[] =>
  some.flatMap((tensorFormat) =>
    norms.flatMap((norm) =>
      others.flatMap((size) =>
        [{}, { tensorLayout: "NCHW", dataType: "float32" } as const].map((rest) => ({
          ...(tensorFormat && { tensorFormat }),
          ...(norm && { norm }),
          ...size,
          ...rest,
        })),
      ),
    ),
  );

/** The same calls on both; onnxruntime-common writes to the options, so it has some of its own. */
const compare = async (image: ImageSource, all: TensorFromImageDataOptions[]): Promise<void> => {
  for (const options of all) {
    const before = JSON.stringify(options);
    const mine = await ours(image, options);
    if (JSON.stringify(options) !== before) throw new Error(`${before} was written to`);
    sameTensor(mine, await theirs(image, structuredClone(options)), before);
  }
};

const images: Record<string, () => Promise<void>> = {
  "ImageData of opaque pixels gives onnxruntime-common's elements, for all options": async () => {
    const image = noise(1);
    sameTensor(await ours(image), await theirs(image), "no options");
    await compare(image, combinations(formats, sizes));
  },

  "ImageData with transparent pixels keeps their colors, as onnxruntime-common does without options":
    async () => {
      const image = noise(2, "transparent");
      sameTensor(await ours(image), await theirs(image), "no options");
      // With options it draws them on a canvas, where colors are scaled by alpha and rounded.
      sameTensor(await ours(image, { tensorFormat: "RGB" }), await theirs(image), "with options");
    },

  "an image element gives onnxruntime-common's elements, for all options": async () => {
    for (const alpha of [undefined, "transparent"] as const) {
      const image = await elementOf(noise(3, alpha));
      sameTensor(await ours(image), await theirs(image), "no options");
      sameTensor(await ours(image, { tensorFormat: undefined }), await theirs(image), "no format");
      await compare(image, combinations([undefined], sizes));
    }
  },

  "an image element that is shown in another size is cut or filled up as by onnxruntime-common": async () => {
    for (const size of [
      { width: 10, height: 30 },
      { width: 50, height: 4 },
    ]) {
      const image = await elementOf(noise(4), size);
      await compare(image, combinations([undefined], sizes));
    }
  },

  "an image element may be given a format, which onnxruntime-common refuses": async () => {
    const image = noise(5);
    const expected = await theirs(image, { tensorFormat: "BGR" });
    sameTensor(await ours(await elementOf(image), { tensorFormat: "BGR" }), expected, "BGR");
  },

  "an ImageBitmap gives onnxruntime-common's elements, for all options": async () => {
    for (const alpha of [undefined, "transparent"] as const) {
      await compare(await createImageBitmap(noise(6, alpha)), combinations(formats, [{}]));
    }
  },

  "a URL gives onnxruntime-common's elements, for all options": async () => {
    const url = urlOf(noise(7, "transparent"));
    sameTensor(await ours(url), await theirs(url), "no options");
    await compare(url, combinations(formats, [{}, { width: 3, height: 4 }]));
  },
};

const halves: Record<string, () => Promise<void>> = {
  "float16 is what it is in onnxruntime-common, with a Float16Array or without": async () => {
    for (const data of [[1, 2.5, -3], new Uint16Array([0x3c00, 0, 0x7c00])]) {
      const mine = new Tensor("float16", data).data;
      const expected = new Theirs("float16", data as Uint16Array).data;
      equal([mine.constructor.name], [expected.constructor.name], "class");
      equal(mine, expected, "data");
    }
  },
};

const told: Record<string, () => Promise<void>> = {
  "a Float16Array says its type, where there is one": async () => {
    const Half = Reflect.get(globalThis, "Float16Array") as typeof Uint16Array | undefined;
    if (!Half) return;
    const data = Half.from([1, 2.5]);
    const tensor = new Tensor(data);
    equal([tensor.type, tensor.data], ["float16", data], "float16");
    equal(toFloat32Array(tensor as TypedTensor<Tensor.Type>), [1, 2.5], "numbers");
  },
};

export const tests: Record<string, () => Promise<void>> = { ...images, ...halves, ...told };
