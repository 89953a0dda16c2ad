// Bars, from left to right, as a picture that grows with the page.
//
// What a reader would get wrong: widths are in percent and heights in pixels, so text keeps its size.
import { draw } from "./dom.js";

const ROW = 28;
const BAR = 16;

/** A chart of `{ label, value, text, best }`; `label` is for those who do not see it. */
export const barChart = (label, rows, { start = 30, end = 16, most } = {}) => {
  const largest = most ?? Math.max(...rows.map(({ value }) => value), Number.MIN_VALUE);
  const room = 100 - start - end;
  const row = ({ label, value, text, best }, i) => {
    const y = i * ROW;
    const bar = { x: `${start}%`, y: y + (ROW - BAR) / 2, height: BAR, rx: 4 };
    const width = (share) => `${Math.max(0, Math.min(1, share)) * room}%`;
    const middle = { y: y + ROW / 2, "dominant-baseline": "central" };
    return draw(
      "g",
      {},
      draw("title", {}, `${label}: ${text}`),
      draw("text", { x: `${start - 1.5}%`, "text-anchor": "end", ...middle }, label),
      draw("rect", { class: "track", ...bar, width: `${room}%` }),
      draw("rect", { class: best ? "bar best" : "bar", ...bar, width: width(value / largest) }),
      draw("text", { x: `${100 - end + 1.5}%`, class: "number", ...middle }, text),
    );
  };
  const height = Math.max(1, rows.length) * ROW;
  const said = `${label}: ${rows.map(({ label, text }) => `${label} ${text}`).join(", ")}`;
  return draw("svg", { class: "chart", role: "img", "aria-label": said, height }, ...rows.map(row));
};
