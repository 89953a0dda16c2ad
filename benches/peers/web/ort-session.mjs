// A session of onnxruntime-web, from whichever of its bundles.
const TYPES = {
  f32: ["float32", Float32Array],
  f64: ["float64", Float64Array],
  i64: ["int64", BigInt64Array],
  i32: ["int32", Int32Array],
  u8: ["uint8", Uint8Array],
  i8: ["int8", Int8Array],
  bool: ["bool", Uint8Array],
};

export const openWith = async (ort, provider, { model, inputs, threads }) => {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = "/npm/node_modules/onnxruntime-web/dist/";
  ort.env.logLevel = "error";
  const bytes = new Uint8Array(await (await model).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
  });
  const feeds = {};
  for (const t of await inputs) {
    const [type, Elements] = TYPES[t.dtype];
    feeds[t.name] = new ort.Tensor(type, new Elements(t.bytes.buffer), t.dims);
  }
  let latest = {};
  return {
    async run() {
      latest = await session.run(feeds);
    },
    outputs: () =>
      session.outputNames.map((name) => {
        const { type, dims, data } = latest[name];
        const [dtype] = Object.entries(TYPES).find(([, [long]]) => long === type);
        return { name, dtype, dims: [...dims], bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
      }),
  };
};
