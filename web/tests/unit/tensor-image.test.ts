// Images where there is no browser: pixels as they are, and onnxruntime-common's elements of them. It asks for
// `ImageData` and a canvas, so it gets the little of both that it uses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Tensor as Theirs } from "onnxruntime-common";
import { Tensor } from "../../ts/tensor/tensor";
import type { TensorFromImageDataOptions } from "../../ts/tensor/image/options";

class Pixels {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}

/** A canvas that holds opaque pixels and never scales. */
class Canvas {
  private image = new Pixels(1, 1);
  constructor(
    public width: number,
    public height: number,
  ) {}
  getContext() {
    const createImageData = (width: number, height: number) => new Pixels(width, height);
    const putImageData = (image: Pixels) => void (this.image = image);
    const getImageData = (_x: number, _y: number, width: number, height: number) => {
      const part = new Pixels(width, height);
      for (let at = 0; at < width * height; at++) {
        const [x, y] = [at % width, Math.floor(at / width)];
        if (x >= this.image.width || y >= this.image.height) continue;
        const from = 4 * (y * this.image.width + x);
        part.data.set(this.image.data.subarray(from, from + 4), 4 * at);
      }
      return part;
    };
    return { createImageData, putImageData, getImageData };
  }
}

const image = new Pixels(7, 5);
image.data.forEach((_, i, data) => (data[i] = i % 4 === 3 ? 255 : (i * 89 + 31) % 256));

before(() => void Object.assign(globalThis, { ImageData: Pixels, OffscreenCanvas: Canvas }));
after(() => {
  Reflect.deleteProperty(globalThis, "ImageData");
  Reflect.deleteProperty(globalThis, "OffscreenCanvas");
});

test("pixels give onnxruntime-common's elements, for all options", async () => {
  const norms = [
    {},
    { norm: { mean: 127.5, bias: -127.5 } },
    { norm: { mean: [1, 2, 3], bias: [4, 5, 6, 7] } },
  ];
  const sizes = [{}, { resizedWidth: 3, resizedHeight: 2 }, { resizedWidth: 9, resizedHeight: 4 }];
  for (const format of ["RGB", "RGBA", "BGR", "RBG", undefined]) {
    for (const norm of norms) {
      for (const size of sizes) {
        const options = {
          ...norm,
          ...size,
          ...(format && { tensorFormat: format }),
        } as TensorFromImageDataOptions;
        const mine = await Tensor.fromImage(image, options);
        const theirs = await Theirs.fromImage(image as never, structuredClone(options) as never);
        assert.deepEqual([mine.dims, mine.type, mine.data], [theirs.dims, theirs.type, theirs.data]);
      }
    }
  }
});

test("toImageData gives onnxruntime-common's pixels", async () => {
  const tensor = await Tensor.fromImage(image, { tensorFormat: "RGBA" });
  const theirs = new Theirs("float32", tensor.data as Float32Array, tensor.dims);
  for (const norm of [{}, { mean: 99 }, { mean: [1, 2, 3], bias: [-4, 5, 6] }] as const) {
    const options = { format: "RGBA", norm } as const;
    assert.deepEqual(tensor.toImageData(options).data, theirs.toImageData(options as never).data);
  }
});

test("without a browser what needs one says so, and pixels still work", async () => {
  after(() => void Object.assign(globalThis, { ImageData: Pixels, OffscreenCanvas: Canvas }));
  Reflect.deleteProperty(globalThis, "ImageData");
  Reflect.deleteProperty(globalThis, "OffscreenCanvas");
  const tensor = await Tensor.fromImage(image, { resizedWidth: 9, resizedHeight: 4 });
  assert.deepEqual(tensor.dims, [1, 3, 4, 9]);
  const scaled = Tensor.fromImage(image, { resizedWidth: 9, resizedHeight: 4, fit: "fill" });
  await assert.rejects(scaled, { code: "unsupported", message: /no canvas here: give pixels/ });
  await assert.rejects(Tensor.fromImage(new Blob(["x"])), { code: "unsupported" });
  await assert.rejects(Tensor.fromImage("data:,x"), { code: "unsupported" });
  await assert.rejects(Tensor.fromImage("nonsense"), { code: "io" });
  assert.throws(() => tensor.toImageData(), { code: "unsupported" });
  assert.throws(() => tensor.toDataURL(), { code: "unsupported" });
});
