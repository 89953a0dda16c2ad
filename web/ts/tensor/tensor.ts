// `Tensor`, as onnxruntime-common has it, with all element types of ONNX.
//
// What a reader would get wrong: `Tensor` is an interface, a namespace of types and a constructor at once, since a
// class could not say that the type of its elements follows from what its constructor is given.

// In the declarations too, for projects whose own libraries have no `Symbol.dispose`.
/// <reference lib="esnext.disposable" preserve="true" />
import { TensorImpl } from "./class";
import type {
  CpuConstructorParameters,
  GpuBufferConstructorParameters,
  TensorFactory,
  TextureConstructorParameters,
} from "./factory";
import type { TensorToDataUrlOptions, TensorToImageDataOptions } from "./image/options";
import type * as types from "./types";

type GlobalType<Name extends string, Fallback> = typeof globalThis extends {
  [name in Name]: { prototype: infer T };
}
  ? T
  : Fallback;

/** A tensor of elements of one type. */
export interface TypedTensor<T extends Tensor.Type> {
  /** How long each axis is. */
  readonly dims: readonly number[];
  readonly type: T;
  /** How many elements there are. */
  readonly size: number;
  /** The elements. Throws where they are not on the CPU. */
  readonly data: Tensor.DataTypeMap[T];
  /** Where the elements are. */
  readonly location: Tensor.DataLocation;
  /** The WebGL texture that holds the elements. Throws where there is none. */
  readonly texture: Tensor.TextureType;
  /** The WebGPU buffer that holds the elements. Throws where there is none. */
  readonly gpuBuffer: Tensor.GpuBufferType;
  /** Always throws: there are no tensors of WebNN. */
  readonly mlTensor: Tensor.MLTensorType;
  /** The elements, brought to the CPU where they are not; with `releaseData` they are let go where they were. */
  getData(releaseData?: boolean): Promise<Tensor.DataTypeMap[T]>;
  /** Lets the elements go. Nothing else can be done with the tensor afterwards. */
  dispose(): void;
  /** `dispose`, for `using`. */
  [Symbol.dispose](): void;
  /** The same elements with other dimensions. */
  reshape(dims: readonly number[]): TypedTensor<T>;
  /** The first image of the tensor, as a URL that holds it. */
  toDataURL(options?: TensorToDataUrlOptions): string;
  /** The first image of the tensor. */
  toImageData(options?: TensorToImageDataOptions): ImageData;
}

/** A tensor: what models are fed with, and what they give. */
export interface Tensor extends TypedTensor<Tensor.Type> {}

export declare namespace Tensor {
  type DataTypeMap = types.DataTypeMap;
  type Type = types.TensorType;
  type DataType = types.TensorData;
  /** What one element is in JavaScript. */
  type ElementTypeMap = {
    [T in Type]: T extends "string"
      ? string
      : T extends "bool"
        ? boolean
        : T extends "int64" | "uint64"
          ? bigint
          : number;
  };
  type ElementType = ElementTypeMap[Type];
  type CpuPinnedDataTypes = Exclude<Type, "string">;
  type TextureType = WebGLTexture;
  type TextureDataTypes = "float32";
  type GpuBufferType = GlobalType<"GPUBuffer", { size: number; mapState: "unmapped" | "pending" | "mapped" }>;
  type GpuBufferDataTypes = Exclude<Type, "string">;
  type MLTensorType = GlobalType<"MLTensor", { destroy(): void }>;
  type MLTensorDataTypes = Exclude<Type, "string">;
  type DataLocation = "none" | "cpu" | "cpu-pinned" | "texture" | "gpu-buffer" | "ml-tensor";
}

/** What says the type of a tensor by itself. */
interface Telling {
  float32: Float32Array;
  uint8: Uint8Array | Uint8ClampedArray;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: readonly string[];
  bool: readonly boolean[];
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
}

type Told = Telling[keyof Telling];

type TypeOf<D> = D extends unknown
  ? { [T in keyof Telling]: D extends Telling[T] ? T : never }[keyof Telling]
  : never;

/** The ways to make a tensor. */
export interface TensorConstructor extends TensorFactory {
  /** Of elements whose type is named; of one axis unless there are `dims`. */
  new <T extends Tensor.Type>(
    type: T,
    data: Tensor.DataType | Uint8ClampedArray | readonly (string | number | bigint | boolean)[],
    dims?: readonly number[],
  ): TypedTensor<T>;
  /** Of elements that say their type; of one axis unless there are `dims`. */
  new <D extends Told>(data: D, dims?: readonly number[]): TypedTensor<TypeOf<D>>;
  /** Of elements in an array, as they are. */
  new <T extends Tensor.Type>(params: CpuConstructorParameters<T>): TypedTensor<T>;
  /** Of a texture. */
  new (params: TextureConstructorParameters): TypedTensor<"float32">;
  /** Of a GPUBuffer. */
  new <T extends Tensor.GpuBufferDataTypes>(params: GpuBufferConstructorParameters<T>): TypedTensor<T>;
  readonly prototype: Tensor;
}

// The class knows types at run time only.
export const Tensor = TensorImpl as unknown as TensorConstructor;
