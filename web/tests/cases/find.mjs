// The cases below a folder, in the layout of ONNX's backend tests, and those of them that are expected to fail.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** The folders with a model, in order. */
export const findCases = (folder) => {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === "model.onnx")) return [folder];
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  return inner.sort().flatMap(findCases);
};

/** The numbers of the files `input_N.pb`, or of `output_N.pb`. */
const numbers = (names, kind) =>
  names
    .flatMap((name) => new RegExp(`^${kind}_(\\d+)\\.pb$`).exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);

const tolerance = (folder) => {
  const file = join(folder, "tol.txt");
  if (!existsSync(file)) return { relative: 1e-3, absolute: 1e-7 };
  const [relative, absolute] = readFileSync(file, "utf8").split(/\s+/).map(Number);
  if (!(relative >= 0 && absolute >= 0)) throw new Error(`${file} should hold two numbers`);
  return { relative, absolute };
};

/** A case as a page has it, where the page finds the folder `root` below `/cases`. */
export const describe = (root, folder) => {
  const address = (path) => ["/cases", ...relative(root, path).split(/[\\/]/)].join("/");
  const sets = readdirSync(folder)
    .filter((name) => /^test_data_set_\d+$/.test(name))
    .map((name) => {
      const names = readdirSync(join(folder, name));
      const [inputs, outputs] = [numbers(names, "input"), numbers(names, "output")];
      return { url: address(join(folder, name)), inputs, outputs };
    });
  if (sets.length === 0) throw new Error(`${folder} has no test_data_set_0`);
  return { url: address(folder), sets, tolerance: tolerance(folder) };
};

/** The reasons of a list of exceptions, `case  reason` in each line, by the names of the cases. */
export const exceptions = (file) => {
  const lines = readFileSync(file, "utf8").split("\n");
  const listed = lines.map((line) => /^([^#\s]\S*)\s+(.*)$/.exec(line)).filter(Boolean);
  return new Map(listed.map(([, name, reason]) => [name, reason]));
};
