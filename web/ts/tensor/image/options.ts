// What `fromImage`, `toImageData` and `toDataURL` can be told: the names are those of onnxruntime-common.

export type ImageFormat = "RGB" | "RGBA" | "BGR" | "RBG";
export type ImageTensorLayout = "NHWC" | "NCHW";

export interface OptionsFormat {
  /** Which channels the tensor has, in their order. Default: `RGB`. */
  format?: ImageFormat;
}

export interface OptionsTensorFormat {
  /** Which channels the tensor gets, in their order. Default: `RGB`; `RGBA` from an `HTMLImageElement`. */
  tensorFormat?: ImageFormat;
}

export interface OptionsTensorDataType {
  /** What the elements are. Default: `float32`. */
  dataType?: "float32" | "uint8";
}

export interface OptionsTensorLayout {
  /** Whether channels are planes (`NCHW`, the default) or lie beside each other (`NHWC`). */
  tensorLayout?: ImageTensorLayout;
}

export interface OptionsDimensions {
  /** The image has a height of its own, so this changes nothing. */
  height?: number;
  /** The image has a width of its own, so this changes nothing. */
  width?: number;
}

export interface OptionResizedDimensions {
  /** The height of the result; needs `resizedWidth` beside it. */
  resizedHeight?: number;
  /** The width of the result; needs `resizedHeight` beside it. */
  resizedWidth?: number;
  /**
   * How the image comes to the new size: stretched (`fill`), as large as fits in, the rest zeros (`contain`), as
   * small as covers all of it, the rest cut off (`cover`), or not scaled: what lies at the left and on top of it, or
   * zeros where there is nothing (`window`).
   *
   * Default: `window` for `ImageData` and `HTMLImageElement`, as in onnxruntime-common, and `fill` for all else.
   */
  fit?: "fill" | "contain" | "cover" | "window";
  /** The part of the image that is taken, in its pixels. Default: all of it. */
  crop?: { x: number; y: number; width: number; height: number };
}

/** One number for all channels, or one for each: of red, green, blue and perhaps alpha, whatever the format. */
export type PerChannel =
  number | readonly [number, number, number] | readonly [number, number, number, number];

export interface OptionsNormalizationParameters {
  /** To a tensor: (pixel + bias) / mean. To an image: (element - bias) * mean. */
  norm?: {
    /** Default: 0. */
    bias?: PerChannel;
    /** Default: 255; 1 for a tensor of uint8 from an image, which would be nothing but zeros and ones else. */
    mean?: PerChannel;
  };
}

export interface OptionsLocation {
  /**
   * Where the tensor is made. On the GPU no pixel passes through the CPU, and a session there takes it as it is; images
   * are resized by their nearest four pixels. Default: `cpu`.
   */
  location?: "cpu" | "gpu-buffer";
}

export interface TensorFromImageDataOptions
  extends
    OptionsLocation,
    OptionResizedDimensions,
    OptionsTensorFormat,
    OptionsTensorLayout,
    OptionsTensorDataType,
    OptionsNormalizationParameters {}

export type TensorFromImageElementOptions = TensorFromImageDataOptions;
export type TensorFromImageBitmapOptions = TensorFromImageDataOptions;
export interface TensorFromUrlOptions extends TensorFromImageDataOptions, OptionsDimensions {}

export interface TensorToImageDataOptions
  extends OptionsTensorLayout, OptionsFormat, OptionsNormalizationParameters {}

export type TensorToDataUrlOptions = TensorToImageDataOptions;

/** Pixels without a browser: four bytes each, red, green, blue and alpha. */
export interface RawImage {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** What a tensor can be made of; a string is the URL of an image. */
export type ImageSource =
  | string
  | Blob
  | RawImage
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame;
