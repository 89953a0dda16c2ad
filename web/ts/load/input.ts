// What was passed as a model, told apart by what it can do: files and responses may come from other windows.
import { EdgewiseError } from "../errors";

/** The bytes of an array or of a view of one. */
export const bytesOf = (input: object): Uint8Array | undefined => {
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  const isShared = typeof SharedArrayBuffer !== "undefined" && input instanceof SharedArrayBuffer;
  return isShared || input instanceof ArrayBuffer ? new Uint8Array(input) : undefined;
};

export const isHandle = (input: object): input is FileSystemFileHandle =>
  "getFile" in input && typeof input.getFile === "function";

export const isAddress = (input: unknown): input is string | URL =>
  typeof input === "string" || input instanceof URL;

/** Whether an address leads to what the browser itself holds. */
export const isInside = (url: string): boolean => /^(blob|data):/.test(url);

/** Whether it names a file where there are files: `file:`, or no scheme; a single letter is a drive. */
export const isPath = (input: string | URL): boolean => {
  const text = String(input);
  return text.startsWith("file:") || !/^[a-z][a-z0-9+.-]+:/i.test(text);
};

/** The whole address: relative ones are relative to the page, or to the worker's script. */
export const resolve = (input: string | URL): string => {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    return new URL(input, base).href;
  } catch (cause) {
    const came = `"${input}", which leads nowhere from ${base ?? "here"}`;
    throw new EdgewiseError(
      "invalid-input",
      `expected the address of a model, came ${came}; pass a whole URL`,
      {
        cause,
      },
    );
  }
};

/** The error for what no model can be in. */
export const unusable = (input: unknown): EdgewiseError => {
  const came = input === null ? "null" : typeof input === "object" ? input.constructor?.name : typeof input;
  const expected =
    "a URL, an ArrayBuffer or a view of one, a Blob, a Response, a ReadableStream or a file's handle";
  return new EdgewiseError("invalid-input", `expected ${expected} as the model, came ${came}`);
};
