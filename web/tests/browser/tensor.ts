// Tensors of images and images of tensors in a browser: the pixels are those of onnxruntime-common, for every source
// and every combination of options. Where they differ, a test says how and why.
import { Tensor as Theirs } from "onnxruntime-common";
import { Tensor } from "../../ts/tensor/tensor";
import { toFloat32Array } from "../../ts/tensor/numbers";
import type { TypedTensor } from "../../ts/tensor/tensor";
import type {
  ImageFormat,
  ImageSource,
  TensorFromImageDataOptions,
  TensorToImageDataOptions,
} from "../../ts/tensor/image/options";

type Picture = TypedTensor<"float32"> | TypedTensor<"uint8">;
type FromImage = (image: ImageSource, options?: object) => Promise<Picture>;

const ours: FromImage = (image, options) => Tensor.fromImage(image, options);
const theirs = Theirs.fromImage.bind(Theirs) as unknown as FromImage;

const WIDTH = 23;
const HEIGHT = 17;

/** Throws where two lists are not the same, number by number. */
const equal = (mine: ArrayLike<unknown>, expected: ArrayLike<unknown>, what: string): void => {
  if (mine.length !== expected.length)
    throw new Error(`${what}: ${mine.length} items, not ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(mine[i], expected[i])) continue;
    throw new Error(`${what}: item ${i} is ${String(mine[i])}, not ${String(expected[i])}`);
  }
};

const sameTensor = (mine: Picture, expected: Picture, what: string): void => {
  if (mine.type !== expected.type) throw new Error(`${what}: ${mine.type}, not ${expected.type}`);
  equal(mine.dims, expected.dims, `${what}: dims`);
  equal(mine.data, expected.data, what);
};

/** Throws unless a call fails with an error of that code whose message says so. */
const fails = async (call: () => unknown, code: string, message: RegExp): Promise<void> => {
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
const noise = (seed: number, alpha?: "transparent", width = WIDTH, height = HEIGHT): ImageData => {
  const image = new ImageData(width, height);
  let state = seed;
  for (let i = 0; i < image.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    image.data[i] = i % 4 === 3 && !alpha ? 255 : state >>> 24;
  }
  return image;
};

const canvasOf = (image: ImageData): HTMLCanvasElement => {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.width,
    height: image.height,
  });
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
};

const urlOf = (image: ImageData): string => canvasOf(image).toDataURL();

const elementOf = async (
  image: ImageData,
  size?: { width: number; height: number },
): Promise<HTMLImageElement> => {
  const element = Object.assign(new Image(), { src: urlOf(image), ...size });
  await element.decode();
  return element;
};

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

const beyond: Record<string, () => Promise<void>> = {
  "canvases, blobs and video frames give the elements of the same pixels": async () => {
    const image = noise(8);
    const expected = await ours(image);
    const canvas = canvasOf(image);
    const offscreen = new OffscreenCanvas(WIDTH, HEIGHT);
    offscreen.getContext("2d")?.putImageData(image, 0, 0);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const sources = { canvas, offscreen, blob: await offscreen.convertToBlob(), frame };
    for (const [name, source] of Object.entries(sources)) sameTensor(await ours(source), expected, name);
    frame.close();
    await fails(() => ours(frame), "invalid-input", /no pixels \(yet\)/);
  },

  "a video gives the elements of the frame that it shows": async () => {
    const canvas = canvasOf(noise(15, undefined, 64, 48));
    const video = Object.assign(document.createElement("video"), {
      muted: true,
      srcObject: canvas.captureStream(),
    });
    await video.play();
    const tensor = await ours(video, { resizedWidth: 32, resizedHeight: 24 });
    equal(tensor.dims, [1, 3, 24, 32], "dims");
    if (!(tensor.data as Float32Array).some((value) => value > 0)) throw new Error("it is black");
  },

  "channels beside each other are those of the planes": async () => {
    for (const tensorFormat of ["RGB", "RGBA", "BGR"] as const) {
      const planes = await ours(noise(9), { tensorFormat });
      const beside = await ours(noise(9), { tensorFormat, tensorLayout: "NHWC" });
      const channels = tensorFormat.length;
      equal(beside.dims, [1, HEIGHT, WIDTH, channels], "dims");
      const area = WIDTH * HEIGHT;
      const expected = beside.data.map(
        (_, i) => planes.data[(i % channels) * area + Math.floor(i / channels)] ?? NaN,
      );
      equal(beside.data, expected, tensorFormat);
    }
  },

  "bytes are the pixels, or rounded and kept within their limits": async () => {
    const image = noise(10);
    const bytes = await ours(image, { dataType: "uint8", tensorLayout: "NHWC", tensorFormat: "RGBA" });
    equal(bytes.data, image.data, "pixels");
    const halved = await ours(image, { dataType: "uint8", norm: { mean: 2, bias: [-64, 0, 400] } });
    const floats = await ours(image, { norm: { mean: 2, bias: [-64, 0, 400] } });
    equal(halved.data, Uint8Array.from(Uint8ClampedArray.from(floats.data)), "halved");
  },

  "half of the numbers of norm may be left out": async () => {
    const image = noise(11);
    sameTensor(
      await ours(image, { norm: { mean: 2 } }),
      await theirs(image, { norm: { mean: 2, bias: 0 } }),
      "mean",
    );
    sameTensor(
      await ours(image, { norm: { bias: 9 } }),
      await theirs(image, { norm: { mean: 255, bias: 9 } }),
      "bias",
    );
  },

  "a crop is that part of the image, from all sources": async () => {
    const image = noise(12);
    const crop = { x: 3, y: 5, width: 11, height: 7 };
    const expected = await ours(canvasOf(image).getContext("2d")?.getImageData(3, 5, 11, 7) ?? image);
    sameTensor(await ours(image, { crop }), expected, "ImageData");
    sameTensor(await ours(await createImageBitmap(image), { crop }), expected, "ImageBitmap");
    sameTensor(await ours(await elementOf(image), { crop, tensorFormat: "RGB" }), expected, "element");
    // The lower part in the size of the whole: the rest is zeros.
    const lower = { x: 0, y: 9, width: WIDTH, height: HEIGHT - 9 };
    const filled = await ours(image, { crop: lower, resizedWidth: WIDTH, resizedHeight: HEIGHT });
    const moved = canvasOf(image).getContext("2d")?.getImageData(0, 9, WIDTH, HEIGHT) ?? image;
    sameTensor(filled, await ours(moved), "the lower part");
    for (const bad of [
      { ...crop, x: -1 },
      { ...crop, width: 21 },
      { ...crop, height: 0 },
      { ...crop, y: 0.5 },
    ]) {
      await fails(() => ours(image, { crop: bad }), "invalid-input", /crop/);
    }
  },

  "fit says how an image comes to a new size": async () => {
    const red = new ImageData(4, 2);
    for (let i = 0; i < red.data.length; i += 4) red.data.set([255, 0, 0, 255], i);
    const size = { resizedWidth: 8, resizedHeight: 8 };
    const sum = async (fit: "fill" | "contain" | "cover" | "window") => {
      const { data } = await ours(red, { ...size, fit });
      return (data as Float32Array).reduce((sum, value) => sum + value, 0);
    };
    equal(
      [await sum("fill"), await sum("contain"), await sum("cover"), await sum("window")],
      [64, 32, 64, 8],
      "how much is red",
    );
    const bitmap = await createImageBitmap(red);
    sameTensor(
      await ours(bitmap, size),
      await ours(red, { ...size, fit: "fill" }),
      "a bitmap fills by itself",
    );
    await fails(() => ours(red, { ...size, fit: "stretch" }), "invalid-input", /fit must be one of fill/);
  },

  "what is no image and options that make no sense are refused by name": async () => {
    const image = noise(13);
    const call = (options: object) => () => ours(image, options);
    await fails(() => ours({} as ImageData), "invalid-input", /not Object/);
    await fails(() => ours(undefined as never), "invalid-input", /not Undefined/);
    await fails(() => ours(new Image()), "invalid-input", /no pixels \(yet\)/);
    await fails(() => ours(document.createElement("video")), "invalid-input", /no pixels \(yet\)/);
    await fails(() => ours("data:image/png;base64,AAAA"), "io", /cannot be read/);
    await fails(() => ours(new Blob(["nothing"])), "io", /cannot be read/);
    await fails(
      () => ours({ data: new Uint8ClampedArray(5), width: 1, height: 1 }),
      "invalid-input",
      /4 bytes/,
    );
    await fails(call({ tensorFormat: "CMYK" }), "invalid-input", /tensorFormat must be one of RGB/);
    await fails(call({ tensorFormat: "toString" }), "invalid-input", /tensorFormat must be one of RGB/);
    await fails(call({ tensorLayout: "NWHC" }), "invalid-input", /tensorLayout/);
    await fails(call({ dataType: "float16" }), "invalid-input", /dataType/);
    for (const mean of [[1, 2], ["1", 2, 3], [1, 2, 3, null], {}, null, "255"]) {
      await fails(call({ norm: { mean } }), "invalid-input", /norm.mean/);
    }
    await fails(call({ crop: 5 }), "invalid-input", /crop.x/);
    await fails(call({ resizedWidth: 0, resizedHeight: 5 }), "invalid-input", /resizedWidth/);
    await fails(call({ resizedWidth: 4, resizedHeight: 1.5 }), "invalid-input", /resizedHeight/);
    await fails(call({ resizedWidth: 1e6, resizedHeight: 1e6 }), "limit-exceeded", /1000000 × 1000000/);
  },
};

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

const pictures: Record<string, () => Promise<void>> = {
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

export const tests: Record<string, () => Promise<void>> = {
  ...images,
  ...beyond,
  ...pictures,
  ...halves,
  ...told,
};
