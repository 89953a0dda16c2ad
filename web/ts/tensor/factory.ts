// The types around the ways to make tensors: what constructors with a location take, and the static methods.
import type {
  ImageSource,
  OptionsDimensions,
  OptionsFormat,
  TensorFromImageDataOptions,
  TensorFromUrlOptions,
} from "./image/options";
import type { Tensor, TypedTensor } from "./tensor";

interface CommonConstructorParameters<T extends Tensor.Type> {
  readonly type: T;
  readonly dims: readonly number[];
}

/** What can be done with elements on the GPU. Without either, they stay the caller's. */
export interface GpuResourceParameters<T extends Tensor.Type> {
  /** Brings the elements. */
  download?(): Promise<Tensor.DataTypeMap[T]>;
  /** Lets the elements go, when the tensor is disposed. */
  dispose?(): void;
}

export interface CpuConstructorParameters<T extends Tensor.Type> extends CommonConstructorParameters<T> {
  readonly location: "cpu" | "cpu-pinned";
  readonly data: Tensor.DataTypeMap[T];
}

export interface CpuPinnedConstructorParameters<
  T extends Tensor.CpuPinnedDataTypes = Tensor.CpuPinnedDataTypes,
> extends CpuConstructorParameters<T> {
  readonly location: "cpu-pinned";
}

export interface TextureConstructorParameters<T extends Tensor.TextureDataTypes = Tensor.TextureDataTypes>
  extends CommonConstructorParameters<T>, GpuResourceParameters<T> {
  readonly location: "texture";
  readonly texture: Tensor.TextureType;
}

export interface GpuBufferConstructorParameters<
  T extends Tensor.GpuBufferDataTypes = Tensor.GpuBufferDataTypes,
>
  extends CommonConstructorParameters<T>, GpuResourceParameters<T> {
  readonly location: "gpu-buffer";
  readonly gpuBuffer: Tensor.GpuBufferType;
}

export interface MLTensorConstructorParameters<T extends Tensor.MLTensorDataTypes = Tensor.MLTensorDataTypes>
  extends CommonConstructorParameters<T>, GpuResourceParameters<T> {
  readonly location: "ml-tensor";
  readonly mlTensor: Tensor.MLTensorType;
}

export interface TensorFromTextureOptions<T extends Tensor.TextureDataTypes>
  extends Required<OptionsDimensions>, OptionsFormat, GpuResourceParameters<T> {}

export interface TensorFromGpuBufferOptions<
  T extends Tensor.GpuBufferDataTypes,
> extends GpuResourceParameters<T> {
  readonly dims: readonly number[];
  /** Default: `float32`. */
  dataType?: T;
}

export interface TensorFromMLTensorOptions<
  T extends Tensor.MLTensorDataTypes,
> extends GpuResourceParameters<T> {
  readonly dims: readonly number[];
  dataType?: T;
}

/** The static methods of `Tensor`. */
export interface TensorFactory {
  /** A tensor of [1, channels, height, width] of an image, or of the one that is at a URL. */
  fromImage(
    image: ImageSource,
    options?: TensorFromImageDataOptions | TensorFromUrlOptions,
  ): Promise<TypedTensor<"float32"> | TypedTensor<"uint8">>;
  /** A tensor of [1, height, width, 4] of a WebGL texture. */
  fromTexture<T extends Tensor.TextureDataTypes = "float32">(
    texture: Tensor.TextureType,
    options: TensorFromTextureOptions<T>,
  ): TypedTensor<"float32">;
  /** A tensor of what is in a WebGPU buffer. */
  fromGpuBuffer<T extends Tensor.GpuBufferDataTypes>(
    buffer: Tensor.GpuBufferType,
    options: TensorFromGpuBufferOptions<T>,
  ): TypedTensor<T>;
  /** Always throws: there are no tensors of WebNN. */
  fromMLTensor<T extends Tensor.MLTensorDataTypes>(
    tensor: Tensor.MLTensorType,
    options: TensorFromMLTensorOptions<T>,
  ): TypedTensor<T>;
  /** A tensor of the elements of an array, which runs may write to; of one axis unless there are `dims`. */
  fromPinnedBuffer<T extends Tensor.CpuPinnedDataTypes>(
    type: T,
    buffer: Tensor.DataTypeMap[T],
    dims?: readonly number[],
  ): TypedTensor<T>;
}
