// What a model is: its inputs and outputs, its operators, what computes in integers, and what runs where.
import { $, facts, make, table } from "../shared/dom.js";
import { barChart } from "../shared/chart.js";

const ARITHMETIC = { integer: "Integers", mixed: "Integers and floats", float: "Floats" };

const portsOf = (kind, ports) =>
  ports.map(({ name, isTensor, type, shape }) => {
    const text = isTensor ? `${type} [${shape.join(", ")}]` : "no tensor";
    return [kind, make("code", {}, name), make("code", {}, text)];
  });

const sum = (counts) => Object.values(counts).reduce((sum, n) => sum + n, 0);

/** Shows it. */
export const showSummary = (session, { operators, placement, computes, threads }) => {
  const places = Object.entries(placement).map(([place, n]) => `${n} on ${place}`);
  const integer = sum(computes.integer);
  $("facts").replaceChildren(
    facts([
      ["Runs on", session.device.toUpperCase()],
      ["Operators", String(sum(operators))],
      ["Placement", places.join(", ")],
      ["Computes in", ARITHMETIC[computes.arithmetic] ?? computes.arithmetic],
      ["Integer operators", String(integer)],
      ["Conversions", String(sum(computes.conversions))],
      ["Threads", String(threads)],
    ]),
  );
  const ports = [...portsOf("in", session.inputMetadata), ...portsOf("out", session.outputMetadata)];
  $("ports").replaceChildren(table(["", "Name", "Type"], ports), ...stays(computes.stays_float));
  const rows = Object.entries(operators).sort(([, a], [, b]) => b - a);
  const bars = rows.slice(0, 12).map(([name, n]) => ({
    label: short(name),
    value: n,
    text: String(n),
    best: name in computes.integer,
  }));
  const chart = barChart("Operators by how often they occur", bars, { start: 42, end: 10 });
  const legend = make("p", { class: "hint" }, make("span", { class: "swatch" }), " computes in integers");
  $("operators").replaceChildren(chart, ...(integer > 0 ? [legend] : []));
  $("summary").hidden = false;
};

/** Without the domain, which says little to people. */
const short = (operator) => operator.split(".").pop();

const stays = (nodes) => {
  if (nodes.length === 0) return [];
  const rows = nodes.slice(0, 50).map(({ node, operator, why }) => [node, operator, why]);
  const title = make("summary", {}, `${nodes.length} stay in floats`);
  return [make("details", {}, title, table(["Node", "Operator", "Why"], rows))];
};
