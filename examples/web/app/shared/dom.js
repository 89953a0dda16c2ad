// Elements, as short as they can be said.

/** The element of that id. */
export const $ = (id) => document.getElementById(id);

/** An element with these attributes and children; attributes that are `undefined` or `false` are left out. */
export const make = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

const SVG = "http://www.w3.org/2000/svg";

/** The same for pictures. */
export const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined).map((child) => child ?? ""));
  return element;
};

/** A table: its columns, each with a title, and rows of cells. Cells that are numbers stand at the right. */
export const table = (titles, rows) => {
  const numeric = titles.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const kind = (column) => (numeric[column] ? { class: "number" } : {});
  const head = make("tr", {}, ...titles.map((title, i) => make("th", { scope: "col", ...kind(i) }, title)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, i) => make("td", kind(i), cell))));
  const all = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0" }, all);
};

const isNumber = (cell) => typeof cell === "string" && /^[\d.,e+\-−]+( ms| µs| %)?$/.test(cell);

/** Facts with their names, large. */
export const facts = (all) =>
  make("dl", { class: "facts" }, ...all.map(([name, value]) => fact(name, value)));

const fact = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
