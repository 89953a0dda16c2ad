// The class behind `Tensor`.
//
// What a reader would get wrong: its fields are private to TypeScript only. Front ends set the `dims` of a tensor and
// put tensors into proxies, which fields with a `#` would not survive.
import { EdgewiseError } from "../errors";
import { late } from "../late";
import { partsOf } from "./arguments";
import { checkLength, dataFor, invalid, known, sizeOf, unsupported } from "./data";
import type { TensorFromGpuBufferOptions, TensorFromTextureOptions } from "./factory";
import type {
  ImageSource,
  TensorFromImageDataOptions,
  TensorToDataUrlOptions,
  TensorToImageDataOptions,
} from "./image/options";
import { toDataURL, toImageData } from "./image/to";
import { PLACE } from "./place";
import type { Place } from "./place";
import type { Tensor } from "./tensor";
import type { TensorData, TensorType } from "./types";

export class TensorImpl {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly size: number;
  [PLACE]: Place | undefined;
  private where: Tensor.DataLocation;
  private held: TensorData | undefined;
  private busy = false;

  constructor(first: unknown, second?: unknown, third?: unknown) {
    const parts = partsOf(first, second, third);
    this.type = parts.type;
    this.dims = parts.dims;
    this.size = parts.size;
    this.where = parts.location;
    this.held = parts.data;
    this[PLACE] = parts.place;
  }

  get location(): Tensor.DataLocation {
    return this.where;
  }

  get data(): TensorData {
    if (this.held) return this.held;
    const place = this[PLACE];
    if (place?.read) return this.hold(place.read());
    return this.nowhere("an array: await its getData()");
  }

  get texture(): Tensor.TextureType {
    return this[PLACE]?.texture ?? this.nowhere("a WebGL texture");
  }

  get gpuBuffer(): Tensor.GpuBufferType {
    return this[PLACE]?.gpuBuffer ?? this.nowhere("a GPUBuffer of this thread");
  }

  get mlTensor(): Tensor.MLTensorType {
    return this.nowhere("a WebNN MLTensor");
  }

  async getData(releaseData?: boolean): Promise<TensorData> {
    this.check();
    const place = this[PLACE];
    if (this.held || place?.read) return this.data;
    if (!place?.download) {
      throw unsupported(`the tensor's data is in: ${this.where}, without a download function`);
    }
    this.idle();
    this.busy = true;
    try {
      return this.hold(await place.download(), releaseData);
    } finally {
      this.busy = false;
    }
  }

  dispose(): void {
    this.idle();
    const place = this[PLACE];
    this.where = "none";
    this.held = undefined;
    this[PLACE] = undefined;
    place?.dispose?.();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  reshape(dims: readonly number[]): TensorImpl {
    this.check();
    const size = sizeOf(dims);
    if (size !== this.size) throw invalid(`a tensor of ${this.size} elements cannot have ${size}`);
    const { type, where: location } = this;
    const data = this[PLACE]?.read ? this.data : this.held;
    const place = this[PLACE];
    if (place?.dispose || (place?.download && !data)) {
      throw invalid("a tensor that owns its GPU data cannot be reshaped: await its getData(true)");
    }
    return new TensorImpl({ ...place, location, type, data, dims });
  }

  toImageData(options?: TensorToImageDataOptions): ImageData {
    return toImageData(this, options);
  }

  toDataURL(options?: TensorToDataUrlOptions): string {
    return toDataURL(this, options);
  }

  static async fromImage(image: ImageSource, options?: TensorFromImageDataOptions): Promise<TensorImpl> {
    if (options?.location === "gpu-buffer") {
      const { onGpu } = await late.gpuImage();
      return new TensorImpl({ location: "gpu-buffer", ...(await onGpu(image, options)) });
    }
    const { fromImage } = await late.image();
    const { type, data, dims } = await fromImage(image, options);
    return new TensorImpl(type, data, dims);
  }

  static fromTexture(
    texture: Tensor.TextureType,
    { width, height, ...rest }: TensorFromTextureOptions<Tensor.TextureDataTypes>,
  ): TensorImpl {
    const dims = [1, height, width, 4];
    return new TensorImpl({ ...rest, location: "texture", type: "float32", texture, dims });
  }

  static fromGpuBuffer(
    gpuBuffer: Tensor.GpuBufferType,
    { dataType: type = "float32", ...rest }: TensorFromGpuBufferOptions<Tensor.GpuBufferDataTypes>,
  ): TensorImpl {
    return new TensorImpl({ ...rest, location: "gpu-buffer", type, gpuBuffer });
  }

  static fromMLTensor(): TensorImpl {
    return new TensorImpl({ location: "ml-tensor" });
  }

  static fromPinnedBuffer(type: TensorType, data: TensorData, dims?: readonly number[]): TensorImpl {
    return new TensorImpl({ location: "cpu-pinned", type, data, dims });
  }

  /** Takes elements that were brought from elsewhere. */
  private hold(data: unknown, release = false): TensorData {
    const element = known(this.type);
    const held = dataFor(element, data);
    checkLength(element, this.size, held.length);
    this.held = held;
    this.where = "cpu";
    const place = this[PLACE];
    if (place?.read || (release && place?.dispose)) {
      this[PLACE] = undefined;
      place.dispose?.();
    }
    return held;
  }

  private check(): void {
    if (this.where === "none") throw new EdgewiseError("disposed", "the tensor was disposed");
  }

  private idle(): void {
    if (this.busy)
      throw new EdgewiseError("busy", "the tensor's data is on its way: await the first getData()");
  }

  private nowhere(what: string): never {
    this.check();
    throw invalid(`the tensor's data is in: ${this.where}, not in ${what}`);
  }
}
