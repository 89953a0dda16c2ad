// The model of language, by transformers.js on Edgewise.
//
// What a reader would get wrong: transformers.js looks for its runtime when it is imported, so Edgewise has to be in
// place before, and `wasmPaths` too: where it is empty, the library fills in an address of its own.
import { env } from "edgewise";
import { install } from "edgewise/backend";

/** The library; it is no part of this application and may be missing. */
const library = async () => {
  env.wasm.wasmPaths = new URL("edgewise/", document.baseURI).href;
  install();
  return import("@huggingface/transformers").catch((cause) => {
    const what = "transformers.js is not here: run `npm run transformers`, then `npm start` again";
    throw new Error(what, { cause });
  });
};

/** What answers for the library's cache: the user's files, by the end of the address that is asked for. */
const folderCache = (files) => {
  const paths = files.map((file) => [file.webkitRelativePath.replace(/^[^/]*\//, ""), file]);
  const found = (address) => paths.find(([path]) => address.endsWith(`/${path}`))?.[1];
  return {
    match: async (address) => {
      const file = found(String(address));
      return file && new Response(file, { headers: { "Content-Length": String(file.size) } });
    },
    put: async () => {},
  };
};

/** The library knows no devices of a runtime that it has not brought, so it is told here. */
const SESSION = { executionProviders: ["wasm"], worker: true };

/** A function from texts to points, as arrays of numbers of length 1. */
export const openModel = async ({ name, files, dtype, progress }) => {
  const { pipeline, env: settings } = await library();
  Object.assign(settings, {
    allowLocalModels: false,
    useCustomCache: files !== undefined,
    customCache: files ? folderCache(files) : null,
  });
  const options = { dtype, device: "auto", session_options: SESSION, progress_callback: progress };
  const extract = await pipeline("feature-extraction", name, options).catch(advise);
  const embed = async (texts) => (await extract(texts, { pooling: "mean", normalize: true })).tolist();
  return { embed, release: () => extract.dispose() };
};

const advise = (error) => {
  if (!(error instanceof TypeError)) throw error;
  const what = "The model could not be fetched. Without a network, choose a folder that has its files.";
  throw new Error(`${what} (${error.message})`, { cause: error });
};

/** How alike two points are: 1 is the same direction. */
export const likeness = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
