// Tensors of images beyond onnxruntime-common: more sources, layouts and types, crops, real resizing, and errors.
import {
  HEIGHT,
  WIDTH,
  canvasOf,
  elementOf,
  equal,
  fails,
  noise,
  ours,
  sameTensor,
  theirs,
} from "./tensor/pixels";

export const tests: Record<string, () => Promise<void>> = {
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
