// onnxruntime-web in its bundle for WebGPU: what has no kernel there runs on the CPU.
import * as ort from "/npm/node_modules/onnxruntime-web/dist/ort.webgpu.min.mjs";
import { openWith } from "./ort-session.mjs";

export const open = (job) => openWith(ort, "webgpu", job);
