// The suites that run in Chromium: a file each, and in what sort of page. `isolated` pages may share memory;
// those that are `nightly` take too long for every change; `way` is how the package gets into programs that were written for another one, where a suite knows several.
export const SUITES = [
  { name: "session", isolated: true },
  { name: "session", isolated: false },
  { name: "memory", isolated: false },
  { name: "load", isolated: false },
  { name: "gpu", isolated: true },
  { name: "tensor", isolated: false },
  { name: "tensor-beyond", isolated: false },
  { name: "tensor-picture", isolated: false },
  { name: "tensor-worker", isolated: false },
  { name: "compat", isolated: false },
  { name: "front", isolated: false },
  { name: "transformers", isolated: false, way: "alias" },
  { name: "transformers", isolated: false, way: "install", nightly: true },
  { name: "transformers", isolated: false, way: "register", nightly: true },
];
