// Numbers as people read them.

/** Milliseconds, with as many digits as tell something. */
export const milliseconds = (ms) => {
  if (ms < 0.1) return `${(1e3 * ms).toFixed(0)} µs`;
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
};

export const bytes = (n) => {
  if (n < 1024) return `${n} B`;
  return n < 1024 ** 2 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1024 ** 2).toFixed(1)} MiB`;
};

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A number of a tensor. */
export const short = (n) => (Number.isInteger(n) && Math.abs(n) < 1e6 ? String(n) : Number(n).toPrecision(3));

/** The value in the middle; of an even number of values, the mean of both. */
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
