// Where the time of runs goes: the trace that a session writes down, as bars.
//
// What a reader would get wrong: a run that is profiled is slower, since each step is waited for. What a GPU does in one go is one bar: nobody times
// its steps.
import { barChart } from "../shared/chart.js";
import { $ } from "../shared/dom.js";
import { median, milliseconds, percent } from "../shared/numbers.js";

const MOST_BARS = 24;
let shown = [];
let address;

/** Profiles so many runs, and shows them. */
export const profile = async (session, feeds, count, signal) => {
  await session.run(feeds, { signal });
  session.startProfiling();
  let traces;
  try {
    for (let i = 0; i < Math.min(count, 10); i++) await session.run(feeds, { signal });
  } finally {
    traces = session.endProfiling();
  }
  shown = traces.map((trace) => JSON.parse(trace).traceEvents.filter(({ ph }) => ph === "X"));
  URL.revokeObjectURL(address);
  $("trace").href = address = URL.createObjectURL(new Blob([traces.at(-1)], { type: "application/json" }));
  $("one-bar").hidden = session.device !== "gpu";
  $("profiled").hidden = false;
  show();
};

const show = () => {
  const key = $("by").value === "operator" ? ({ cat }) => cat : ({ name, cat }) => `${name} · ${cat}`;
  const runs = shown.map((events) => {
    const sums = new Map();
    for (const event of events) sums.set(key(event), (sums.get(key(event)) ?? 0) + event.dur / 1e3);
    return sums;
  });
  const names = [...new Set(runs.flatMap((sums) => [...sums.keys()]))];
  const rows = names.map((name) => ({ name, value: median(runs.map((sums) => sums.get(name) ?? 0)) }));
  const total = rows.reduce((sum, { value }) => sum + value, 0);
  const bars = rows
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_BARS)
    .map(({ name, value }) => ({
      label: shorten(name),
      value,
      text: `${milliseconds(value)} · ${percent(value / total)}`,
    }));
  $("chart").replaceChildren(barChart("Time of a run", bars, { start: 30, end: 24 }));
};

const LONGEST = 34;
const shorten = (name) => {
  const plain = name.replace(/com\.microsoft\.|edgewise\./g, "");
  return plain.length > LONGEST ? `…${plain.slice(1 - LONGEST)}` : plain;
};

$("by").addEventListener("change", show);
