// The application of every fixture: reads a digit on the CPU, in a worker, and on the GPU, and says in the title what
// it has read.
import { InferenceSession, Tensor } from "edgewise";
import { image } from "./digit.js";

const read = async (options) => {
  const session = await InferenceSession.create("digits.onnx", options);
  const results = await session.run({ image: image(Tensor) });
  const [{ data }] = Object.values(results);
  await session.release();
  return data.indexOf(Math.max(...data));
};

const all = async () => {
  const ways = [{}, { worker: true }, { executionProviders: ["webgpu"] }];
  const digits = [];
  for (const options of ways) digits.push(await read(options));
  return digits.join(" ");
};

all().then(
  (digits) => (document.title = `read ${digits}`),
  (error) => (document.title = `failed: ${error.code}: ${error.message}`),
);
