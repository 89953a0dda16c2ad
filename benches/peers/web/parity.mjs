// The cases of gpu/tests/parity, compiled for browsers: the GPU against the CPU of the same page. Opening it runs
// the tests, which keep their cases; a run runs some of those. `build` says which: `PART/OF`, and `restricted` after
// a comma where the GPU is to be no more than every GPU is.
import init, { runCases } from "/ours/parity/dist/edgewise.js";

export const open = async ({ build }) => {
  await init({ module_or_path: fetch("/ours/parity/dist/edgewise_bg.wasm") });
  const [share, restricted] = build.split(",");
  const [part, of] = share.split("/").map(Number);
  let lines = [];
  return {
    run: async () => {
      if (!lines.length) lines = (await runCases(part, of, restricted !== undefined)).split("\n");
    },
    outputs: () => [],
    about: () => ({ lines }),
  };
};
