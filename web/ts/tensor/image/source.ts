// What callers give as an image, as something that can be drawn or whose pixels are there already.
//
// What a reader would get wrong: an image element has two sizes. Its pixels are drawn as many as it has by nature, but
// only those within the size that it is shown in are taken, as onnxruntime-common does.
import { EdgewiseError } from "../../errors";
import { invalid, show, tagOf, unsupported } from "../data";
import type { ImageFormat, RawImage } from "./options";

/** An image of a size. */
export interface Source {
  readonly image: RawImage | Exclude<CanvasImageSource, SVGImageElement>;
  readonly width: number;
  readonly height: number;
  /** The size of the result where it is not that of the image. */
  readonly frame?: { readonly width: number; readonly height: number };
  /** What the tensor is unless the caller says it. */
  readonly format?: ImageFormat;
  /** What happens to it in another size unless the caller says it. */
  readonly fit?: "window";
  /** Lets go what was opened here. */
  readonly close?: () => void;
}

/** Pixels, in whichever realm they were made. */
export const isRaw = (image: unknown): image is RawImage =>
  typeof image === "object" && image !== null && "data" in image && tagOf(image.data) === "Uint8ClampedArray";

const raw = (image: RawImage): Source => {
  const { data, width, height } = image;
  if (data.length === 4 * width * height) return { image, width, height, fit: "window" };
  throw invalid(
    `an image of ${width} × ${height} has ${4 * width * height} bytes, but its data has ${data.length}`,
  );
};

/** Throws what kept the pixels from being read. */
export const unreadable = (cause: unknown): never => {
  throw new EdgewiseError("io", `the image cannot be read: ${String(cause)}`, { cause });
};

const decoded = async (blob: Blob): Promise<Source> => {
  if (typeof createImageBitmap === "undefined") {
    throw unsupported("there is no createImageBitmap here: give pixels, as { data, width, height }");
  }
  const image = await createImageBitmap(blob).catch(unreadable);
  return { ...drawn(image), close: () => image.close() };
};

/** The image at a URL. A page asks for it as an image, a worker as a file, for it has no other way. */
const fetched = async (url: string): Promise<Source> => {
  if (typeof Image === "undefined") {
    const response = await fetch(url).catch(unreadable);
    if (!response.ok) return unreadable(`${url} answered ${response.status}`);
    return decoded(await response.blob().catch(unreadable));
  }
  const image = new Image();
  image.crossOrigin = "Anonymous";
  image.src = url;
  await image.decode().catch(unreadable);
  return { image, width: image.width, height: image.height };
};

const shown = (image: HTMLImageElement): Source => {
  const { width, height, naturalWidth, naturalHeight } = image;
  return {
    image,
    width: Math.min(width, naturalWidth || width),
    height: Math.min(height, naturalHeight || height),
    frame: { width, height },
    format: "RGBA",
    fit: "window",
  };
};

/** What has its size by one of three names. */
type Drawn = Exclude<Source["image"], RawImage | HTMLImageElement> & {
  readonly videoWidth?: number;
  readonly videoHeight?: number;
  readonly displayWidth?: number;
  readonly displayHeight?: number;
  readonly width?: number;
  readonly height?: number;
};

const drawn = (image: Drawn): Source => ({
  image,
  width: image.videoWidth ?? image.displayWidth ?? image.width ?? 0,
  height: image.videoHeight ?? image.displayHeight ?? image.height ?? 0,
});

const opened = (image: unknown): Source | Promise<Source> => {
  if (typeof image === "string") return fetched(image);
  if (isRaw(image)) return raw(image);
  switch (tagOf(image)) {
    case "HTMLImageElement":
      return shown(image as HTMLImageElement);
    case "HTMLVideoElement":
    case "VideoFrame":
    case "ImageBitmap":
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
      return drawn(image as Drawn);
    case "Blob":
    case "File":
      return decoded(image as Blob);
    default:
      throw invalid(
        `an image is ImageData, ImageBitmap, VideoFrame, Blob, an element, a canvas or a URL, not ${show(image)}`,
      );
  }
};

/** An image that has pixels. */
export const open = async (image: unknown): Promise<Source> => {
  const source = await opened(image);
  if (source.width > 0 && source.height > 0) return source;
  throw invalid(`the image has no pixels (yet): it is ${source.width} × ${source.height}`);
};
