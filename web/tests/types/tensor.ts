// What the compiler has to accept: our Tensor where onnxruntime-common's is expected. Nothing here runs.
import type * as ort from "onnxruntime-common";
import { Tensor } from "../../ts/tensor/tensor";
import type { TypedTensor } from "../../ts/tensor/tensor";

type Accepts<Expected, Given extends Expected> = Given;

// Bytes of int4 are an Int8Array in its types and a Uint8Array when it runs; ours say both.
type Shared = Exclude<ort.Tensor.Type, "int4">;

/** The types whose tensors cannot stand where onnxruntime-common's do: none. */
type Misfits = { [T in Shared]: TypedTensor<T> extends ort.TypedTensor<T> ? never : T }[Shared];
export type EachType = Accepts<never, Misfits>;
export type AnyType = Accepts<ort.Tensor, TypedTensor<ort.Tensor.Type>>;

/** Every name of a type, a location and an option. */
export type Types = Accepts<Tensor.Type, ort.Tensor.Type>;
export type Locations = Accepts<ort.Tensor.DataLocation, Tensor.DataLocation>;
export type Data = Accepts<ort.Tensor.DataType, Tensor.DataType>;
export type Elements = Accepts<ort.Tensor.ElementTypeMap, Pick<Tensor.ElementTypeMap, ort.Tensor.Type>>;

// Its factory is generic over types that have one more meaning here, so only what is not can be compared.
export const factory: Pick<ort.TensorConstructor, "fromImage" | "fromTexture"> = Tensor;

// A class takes the place of the other one in the code of users.
export const user = async (
  image: ImageData,
  bitmap: ImageBitmap,
  buffer: GPUBuffer,
  texture: WebGLTexture,
) => {
  const floats: TypedTensor<"float32"> = new Tensor("float32", [1, 2, 3], [3]);
  const longs: TypedTensor<"int64"> = new Tensor("int64", [1n, 2n]);
  const told: TypedTensor<"uint8"> = new Tensor(new Uint8ClampedArray(3));
  const strings: TypedTensor<"string"> = new Tensor(["a", "b"]);
  const bools: TypedTensor<"bool"> = new Tensor([true, false]);
  const data: Float32Array = floats.data;
  const bigints: BigInt64Array = await longs.getData(true);
  const brain: Uint16Array = new Tensor("bfloat16", [1]).data;
  const onGpu: TypedTensor<"float16"> = Tensor.fromGpuBuffer(buffer, { dataType: "float16", dims: [1] });
  const pinned: TypedTensor<"int8"> = Tensor.fromPinnedBuffer("int8", new Int8Array(1));
  const held: TypedTensor<"float32"> = new Tensor({
    location: "texture",
    type: "float32",
    texture,
    dims: [1],
  });
  const picture: ort.Tensor = await Tensor.fromImage(image, { resizedWidth: 2, resizedHeight: 2 });
  const other: ort.Tensor = await Tensor.fromImage(bitmap, { tensorFormat: "BGR", norm: { mean: 1 } });
  const result: Record<string, Tensor> = { floats, longs, told, strings, bools, onGpu, pinned, held };
  using reshaped = floats.reshape([3, 1]);
  return [data, bigints, brain, picture.toDataURL(), other.toImageData(), result, reshaped.location];
};

// What would fail when it runs does not compile.
// @ts-expect-error: there is no such type
new Tensor("float33", [1]);
// @ts-expect-error: an array of numbers does not say its type
new Tensor([1, 2, 3]);
// @ts-expect-error: neither does a DataView
new Tensor(new DataView(new ArrayBuffer(1)));
