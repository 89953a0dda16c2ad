// The application of engines without pages: reads a digit from a file and from its bytes, and says what it has read.
import { readFile } from "node:fs/promises";
import { InferenceSession, Tensor } from "edgewise";
import { image } from "./digit.js";

const read = async (model) => {
  const session = await InferenceSession.create(model);
  const results = await session.run({ image: image(Tensor) });
  const [{ data }] = Object.values(results);
  await session.release();
  return data.indexOf(Math.max(...data));
};

console.log(`read ${await read("out/digits.onnx")} ${await read(await readFile("out/digits.onnx"))}`);
