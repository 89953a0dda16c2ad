// The application of every fixture: reads a digit on the CPU, in a worker, and on the GPU, and says in the title what
// it has read.
import { InferenceSession, Tensor } from "edgewise";

// A three of 8 × 8 pixels.
const PICTURE = `
  0 0 7 15 13 1 0 0
  0 8 13 6 15 4 0 0
  0 2 1 13 13 0 0 0
  0 0 2 15 11 1 0 0
  0 0 0 1 12 12 1 0
  0 0 0 0 1 10 8 0
  0 0 8 4 5 14 9 0
  0 0 7 13 13 9 0 0`;

const image = () =>
  new Tensor("float32", Float32Array.from(PICTURE.trim().split(/\s+/), Number), [1, 1, 8, 8]);

const read = async (options) => {
  const session = await InferenceSession.create("digits.onnx", options);
  const results = await session.run({ image: image() });
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
