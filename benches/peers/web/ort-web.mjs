// onnxruntime-web, in its smallest bundle that runs on the CPU.
import * as ort from "/npm/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
import { openWith } from "./ort-session.mjs";

export const open = (job) => openWith(ort, "wasm", job);
