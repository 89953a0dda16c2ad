// `import … from "edgewise"` in Node, Deno and Bun, and `edgewise/node`: the same on the CPU, from files too.

export * from "./surface";
export { default } from "./surface";
