// Images where there may be no document: these run in pages and in workers alike, with the same results.
import { Tensor } from "../../ts/tensor/tensor";

const WIDTH = 5;
const HEIGHT = 3;

const pixels = (): ImageData => {
  const image = new ImageData(WIDTH, HEIGHT);
  image.data.forEach((_, i, data) => (data[i] = i % 4 === 3 ? 255 : (i * 37) % 256));
  return image;
};

const canvasOf = (image: ImageData): OffscreenCanvas => {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
};

const urlOf = async (blob: Blob): Promise<string> => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
};

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

export const tests: Record<string, () => Promise<void>> = {
  "every source that a worker has gives the same elements": async () => {
    const image = pixels();
    const canvas = canvasOf(image);
    const blob = await canvas.convertToBlob();
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const bitmap = await createImageBitmap(image);
    const expected = (await Tensor.fromImage(image)).data.join();
    const sources = { canvas, blob, frame, bitmap, url: await urlOf(blob) };
    for (const [name, source] of Object.entries(sources)) {
      check((await Tensor.fromImage(source)).data.join() === expected, name);
    }
    check(bitmap.width === WIDTH, "a bitmap of the caller's stays open");
    frame.close();
  },

  "a tensor becomes an image again, and a URL only in pages": async () => {
    const image = pixels();
    const tensor = await Tensor.fromImage(image);
    check(tensor.toImageData().data.join() === image.data.join(), "pixels");
    const isPage = typeof document !== "undefined";
    const url = await (async () => tensor.toDataURL())().catch((error: { code: string }) => error.code);
    check(isPage ? url.startsWith("data:image/png") : url === "unsupported", url);
  },

  "what cannot be fetched or decoded is refused": async () => {
    for (const source of ["data:image/png;base64,AAAA", "data:text/plain,no", new Blob(["no"])]) {
      const code = await Tensor.fromImage(source).then(
        () => "taken",
        (error: { code: string }) => error.code,
      );
      check(code === "io", `${String(source)}: ${code}`);
    }
  },
};
