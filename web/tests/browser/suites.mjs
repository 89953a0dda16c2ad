// The suites that run in Chromium: a file each, and in what sort of page. `isolated` pages may share memory.
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
];
