// `Tensor`, and the ways to make one.
import { equal, ok } from "../../browser/harness/assert";
import { row, type Kit, type Part, type Row } from "../row";

const TYPES =
  "float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 uint4 int4";

const typed = async ({ edgewise: { Tensor } }: Kit): Promise<void> => {
  for (const type of TYPES.split(" ")) {
    const data = type === "string" ? ["a", "b"] : type.endsWith("int4") ? new Uint8Array(1) : [1, 0];
    const tensor = new Tensor(type as "float32", data as number[], [2]);
    equal([tensor.type, tensor.dims, tensor.size], [type, [2], 2]);
  }
};

const thrown = (act: () => unknown): string => {
  try {
    act();
    return "nothing";
  } catch (error) {
    return String((error as { code?: string }).code);
  }
};

const made = async ({ edgewise: { Tensor } }: Kit): Promise<void> => {
  const tensor = new Tensor("float32", [1, 2, 3, 4], [2, 2]);
  equal([tensor.dims, tensor.type, tensor.location, tensor.size], [[2, 2], "float32", "cpu", 4]);
  equal([...tensor.data], [1, 2, 3, 4]);
  equal([...(await tensor.getData())], [1, 2, 3, 4]);
  equal(tensor.reshape([4]).dims, [4]);
  equal(
    thrown(() => tensor.gpuBuffer),
    "invalid-input",
  );
  tensor.dispose();
  equal([tensor.location, thrown(() => tensor.data)], ["none", "disposed"]);
};

const inBuffer = async ({ edgewise: { Tensor, env } }: Kit): Promise<void> => {
  const device = await env.webgpu.device;
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  let let_go = 0;
  const download = async () => Float32Array.of(1, 2, 3, 4);
  const how = { dims: [4], download, dispose: () => void let_go++ };
  for (const tensor of [
    Tensor.fromGpuBuffer(buffer, { dataType: "float32", ...how }),
    new Tensor({ location: "gpu-buffer", type: "float32", gpuBuffer: buffer, ...how }),
  ]) {
    ok(tensor.gpuBuffer === buffer, "it is another buffer");
    equal([...(await tensor.getData(true))], [1, 2, 3, 4]);
  }
  equal(let_go, 2);
  buffer.destroy();
};

const inTexture = async ({ edgewise: { Tensor } }: Kit): Promise<void> => {
  const texture = {} as WebGLTexture;
  const download = async () => new Float32Array(16);
  const tensor = Tensor.fromTexture(texture, { width: 2, height: 2, download });
  ok(tensor.texture === texture, "it is another texture");
  equal([tensor.dims, (await tensor.getData()).length], [[1, 2, 2, 4], 16]);
};

const noWebNN = async ({ edgewise: { Tensor } }: Kit): Promise<void> => {
  equal(
    thrown(() => Tensor.fromMLTensor({ destroy() {} } as never, { dims: [1] } as never)),
    "unsupported",
  );
  equal(
    thrown(() => new Tensor("float32", [1], [1]).mlTensor),
    "invalid-input",
  );
};

const pictured = async ({ edgewise: { Tensor } }: Kit): Promise<void> => {
  const image = new ImageData(4, 2);
  image.data.fill(255);
  const all = {
    tensorFormat: "BGR",
    tensorLayout: "NHWC",
    dataType: "float32",
    resizedWidth: 2,
    resizedHeight: 2,
    norm: { mean: 255, bias: 0 },
  } as const;
  const tensor = await Tensor.fromImage(image, all);
  equal([tensor.type, tensor.dims, Math.max(...(tensor.data as Float32Array))], ["float32", [1, 2, 2, 3], 1]);
  const back = { format: "BGR", tensorLayout: "NHWC", norm: { mean: 255, bias: 0 } } as const;
  equal([tensor.toImageData(back).width, tensor.toImageData(back).data[0]], [2, 255]);
  ok(tensor.toDataURL(back).startsWith("data:image/png"), "it is no address of an image");
};

const pinned: Row["check"] = async ({ edgewise: { Tensor } }) => {
  const data = Float32Array.of(1, 2);
  equal(Tensor.fromPinnedBuffer("float32", data, [2]).location, "cpu-pinned");
  ok(new Tensor({ location: "cpu-pinned", type: "float32", data, dims: [2] }).data === data, "it is a copy");
};

export const tensor: Part = {
  title: "Tensor",
  rows: [
    row(
      "DataTypeMap",
      TYPES,
      "works",
      "As the type of a tensor, beside [ONNX's other ones](support.md).",
      typed,
    ),
    row("ElementTypeMap", TYPES, "works", "", typed),
    row("TypedTensorBase", "dims type data location getData dispose", "works", "", made),
    row("Properties", "size", "works", "", made),
    row("TypedShapeUtils", "reshape", "works", "", made),
    row("TypedTensorBase", "gpuBuffer", "works", "", inBuffer),
    row(
      "TypedTensorBase",
      "texture",
      "works",
      "Such a tensor is held and downloaded; a session refuses it.",
      inTexture,
    ),
    row("TypedTensorBase", "mlTensor", "refused", "There are no tensors of WebNN.", noWebNN),
    row("TensorFactory", "fromGpuBuffer", "works", "", inBuffer),
    row("TensorFactory", "fromTexture", "works", "", inTexture),
    row("TensorFactory", "fromMLTensor", "refused", "There are no tensors of WebNN.", noWebNN),
    row("TensorFactory", "fromPinnedBuffer", "works", "", pinned),
    row("TensorFactory", "fromImage", "works", "From canvases, videos, blobs and frames too.", pictured),
    row(
      "",
      "CommonConstructorParameters.type CpuPinnedConstructorParameters.location CpuPinnedConstructorParameters.data",
      "works",
      "",
      pinned,
    ),
    row(
      "",
      "GpuResourceConstructorParameters.download GpuResourceConstructorParameters.dispose GpuBufferConstructorParameters.location GpuBufferConstructorParameters.gpuBuffer TensorFromGpuBufferOptions.dataType",
      "works",
      "",
      inBuffer,
    ),
    row("TextureConstructorParameters", "location texture", "works", "", inTexture),
    row(
      "",
      "MLTensorConstructorParameters.* TensorFromMLTensorOptions.*",
      "refused",
      "There are no tensors of WebNN.",
      noWebNN,
    ),
    row("ConversionUtils", "toDataURL toImageData", "works", "", pictured),
    row(
      "",
      "OptionsFormat.format OptionsTensorFormat.tensorFormat OptionsTensorDataType.dataType OptionsTensorLayout.tensorLayout OptionsNormalizationParameters.norm",
      "works",
      "",
      pictured,
    ),
    row(
      "OptionResizedDimensions",
      "resizedHeight resizedWidth",
      "works",
      "`fit` and `crop` beside them say how.",
      pictured,
    ),
    row(
      "OptionsDimensions",
      "height width",
      "nothing",
      "An image says its own; for a texture they count.",
      pictured,
    ),
  ],
};
