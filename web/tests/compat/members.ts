// The members of the interfaces in onnxruntime-common's declarations, and what it exports beside them.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");

/** What is between the brace there and the one that closes it. */
const body = (text: string, from: number): string => {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return text.slice(from + 1, i);
  }
  throw new Error("a brace is not closed");
};

/** The declarations of a body, without what is inside of theirs. */
const declarations = (text: string): string[] => {
  let depth = 0;
  let outer = "";
  for (const char of text) {
    if (")}]".includes(char)) depth--;
    if (depth === 0) outer += char;
    if ("({[".includes(char)) depth++;
  }
  return outer.split(";");
};

const NAMED = /^\s*(?:readonly\s+)?(?:[gs]et\s+)?'?([\w-]+)'?\s*(?:<[^(]*>)?\s*[?:(]/;
const UNNAMED = new Set(["new"]);

/** `Interface.member` of every interface, and the names of exported functions. */
export const members = (folder: string): Set<string> => {
  const found = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) {
    if (file.includes("impl")) continue;
    const text = withoutComments(readFileSync(join(folder, file), "utf8"));
    for (const match of text.matchAll(/interface (\w+)[^{;]*\{/g)) {
      for (const declaration of declarations(body(text, match.index + match[0].length - 1))) {
        const name = NAMED.exec(declaration)?.[1];
        if (name && !UNNAMED.has(name)) found.add(`${match[1]}.${name}`);
      }
    }
    for (const match of text.matchAll(/export declare const (TRACE\w*)|export \{ (registerBackend) \}/g)) {
      found.add(match[1] ?? match[2] ?? "");
    }
  }
  return found;
};
