// `import … from "edgewise"`: what onnxruntime-web exports, and what is our own.

export * from "./surface";
export { default } from "./surface";
