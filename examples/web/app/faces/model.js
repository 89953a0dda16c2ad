// The detector: from a file or an address, kept in this browser for the next time, and run frame by frame.
import { Tensor } from "edgewise";
import { open } from "../shared/sessions.js";
import { anchorsOf } from "./anchors.js";
import { facesOf } from "./decode.js";

const KEPT = "edgewise-example-models";
const KEY = "faces.onnx";

/** Keeps the file; where there is no room for it, it is asked for again the next time. */
export const keepModel = async (file) => {
  const cache = await caches.open(KEPT);
  await cache.put(KEY, new Response(file)).catch(() => {});
};

/** The model that was kept, if one was. */
export const keptModel = async () => (await (await caches.open(KEPT)).match(KEY))?.blob();

/** The bytes at an address. */
export const fetchModel = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: the server answered ${response.status}`);
  return response.blob();
};

/** A detector: finds the faces of a frame, and tells how long each stage took. */
export const openDetector = async (model, place, progress) => {
  const session = await open(model, place, { progress });
  const { name, width, height, anchors } = await described(session).catch(async (error) => {
    await session.release();
    throw error;
  });
  // Pixels from 0 to 255 become numbers around 0.
  const norm = { bias: -127, mean: 128 };
  const find = async (frame, least) => {
    const began = performance.now();
    const input = await Tensor.fromImage(frame, {
      resizedWidth: width,
      resizedHeight: height,
      fit: "fill",
      norm,
    });
    const prepared = performance.now();
    const results = await session.run({ [name]: input });
    const ran = performance.now();
    const faces = facesOf(results.scores.data, results.boxes.data, anchors, least);
    const stages = { Prepare: prepared - began, Run: ran - prepared, Decode: performance.now() - ran };
    return { faces, stages };
  };
  return { find, release: () => session.release() };
};

/** What the model takes; an error says where it is another one. */
const described = async ({ inputMetadata: [input], outputMetadata }) => {
  const [, , height, width] = input?.shape ?? [];
  const anchors = width > 0 && height > 0 ? anchorsOf(width, height) : new Float32Array();
  const expected = `scores [1,${anchors.length / 4},2], boxes [1,${anchors.length / 4},4]`;
  const came = outputMetadata.map(({ name, shape }) => `${name} [${shape}]`).join(", ");
  if (came !== expected)
    throw new TypeError(`this is not the detector: expected the outputs ${expected}, came ${came}`);
  return { name: input.name, width, height, anchors };
};
