// Gets a module's bytes compiled, from wherever the page has them.
//
// What a reader would get wrong: a server that knows no `application/wasm` still works, only slower: the module is
// compiled when all of it is there.

import { EdgewiseError, proceed, typed } from "../errors";

/** Where a module comes from: an address, its bytes, or itself. */
export type ModuleSource = URL | BufferSource | WebAssembly.Module;

const WHAT_TO_DO =
  "copy the .wasm files of the package's folder 'dist' to where the page finds them, or say where they are " +
  "with env.wasm.wasmPaths, or give their bytes in env.wasm.wasmBinary";

/** The compiled module. */
export const compile = async (source: ModuleSource, signal?: AbortSignal): Promise<WebAssembly.Module> => {
  if (source instanceof WebAssembly.Module) return source;
  const url = source instanceof URL ? source : undefined;
  try {
    if (url) return await fetched(url, signal);
    return await WebAssembly.compile(source as BufferSource);
  } catch (error) {
    proceed("starting the module", signal);
    if (error instanceof WebAssembly.CompileError) throw refused(error);
    throw typed(error, "io");
  }
};

const fetched = async (url: URL, signal: AbortSignal | undefined): Promise<WebAssembly.Module> => {
  const response = await fetch(url, { credentials: "same-origin", ...(signal && { signal }) }).catch(
    (error) => {
      proceed("starting the module", signal);
      throw new EdgewiseError("io", `${url} could not be fetched (${String(error)}); ${WHAT_TO_DO}`, {
        cause: error,
      });
    },
  );
  const type = response.headers.get("Content-Type") ?? "";
  if (!response.ok) throw new EdgewiseError("not-found", `${url}: ${response.status}; ${WHAT_TO_DO}`);
  if (type.startsWith("text/html")) {
    throw new EdgewiseError("not-found", `${url} is a page of HTML, not a module; ${WHAT_TO_DO}`);
  }
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
};

const refused = (error: WebAssembly.CompileError): EdgewiseError => {
  const policy = error.message.includes("Content Security Policy") || error.message.includes("unsafe-eval");
  const why = policy
    ? "the page's Content-Security-Policy must allow it: script-src 'wasm-unsafe-eval'"
    : "the bytes are no module that this engine takes";
  return new EdgewiseError("unsupported", `the module cannot be compiled: ${why} (${error.message})`, {
    cause: error,
  });
};
