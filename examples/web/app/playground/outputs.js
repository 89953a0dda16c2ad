// What a run gave: its outputs, and how long it took.
import { toFloat32Array } from "edgewise";
import { barChart } from "../shared/chart.js";
import { $, facts, make, table } from "../shared/dom.js";
import { median, milliseconds, short } from "../shared/numbers.js";

/** The first run, the runs after it, and how they spread. */
export const showTimes = (first, times) => {
  $("times").replaceChildren(
    facts([
      ["Median", milliseconds(median(times))],
      ["Fastest", milliseconds(Math.min(...times))],
      ["First run", milliseconds(first)],
    ]),
  );
};

const BARS = 16;

/** The numbers of a tensor; nothing where it holds none. */
export const numbersOf = (value) =>
  value?.type !== undefined && value.type !== "string" ? toFloat32Array(value) : undefined;

const range = (numbers) => {
  let [least, most] = [Infinity, -Infinity];
  for (const n of numbers) [least, most] = [Math.min(least, n), Math.max(most, n)];
  return numbers.length > 0 ? `${short(least)} … ${short(most)}` : "empty";
};

/** A table of the outputs, and bars for one that is short enough to be scores. */
export const showOutputs = (results) => {
  const rows = Object.entries(results).map(([name, value]) => {
    const numbers = numbersOf(value);
    const shape = value?.dims ? `${value.type} [${value.dims.join(", ")}]` : typeof value;
    const shown = numbers
      ? [...numbers.subarray(0, 6)].map(short).join(" ")
      : String(value?.data?.[0] ?? value);
    return [make("code", {}, name), make("code", {}, shape), numbers ? range(numbers) : "", shown];
  });
  const bars = Object.entries(results).flatMap(([name, value]) => {
    const numbers = numbersOf(value);
    const isScores = numbers && numbers.length > 1 && numbers.length <= BARS && numbers.every((n) => n >= 0);
    return isScores ? [scores(name, numbers)] : [];
  });
  $("outputs").replaceChildren(table(["Name", "Type", "Range", "Begins with"], rows), ...bars);
};

const scores = (name, numbers) => {
  const most = Math.max(...numbers);
  const rows = [...numbers].map((value, i) => ({
    label: String(i),
    value,
    text: short(value),
    best: value === most,
  }));
  return barChart(`Elements of ${name}`, rows, { start: 8, end: 20 });
};
