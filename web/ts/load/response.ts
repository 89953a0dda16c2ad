// What a response says about the bytes that follow: whether they are a model, how many, which version. Responses of
// other origins hide most headers, so what is not there is not known, never none.
import { EdgewiseError } from "../errors";

/** Which version of a resource it is, where the server says so. */
export interface Version {
  readonly etag?: string;
  readonly modified?: string;
}

/** Throws unless the bytes of a model follow. */
export const accept = (response: Response, url: string): ReadableStream<Uint8Array> => {
  if (response.type === "opaque" || response.type === "opaqueredirect") {
    const advice = "leave out `mode` and `redirect`, or have the server send Access-Control-Allow-Origin";
    throw new EdgewiseError(
      "invalid-input",
      `${url}: the response is opaque, nothing of it can be read; ${advice}`,
    );
  }
  if (!response.ok) throw refused(response, url);
  if (response.headers.get("Content-Type")?.toLowerCase().startsWith("text/html")) {
    throw html(url, "its Content-Type is text/html");
  }
  if (response.bodyUsed) {
    const expected = "expected one of which nothing was read; pass `response.clone()`, or fetch it again";
    throw new EdgewiseError("invalid-input", `${url}: the response has been read, ${expected}`);
  }
  if (response.body === null)
    throw new EdgewiseError("io", `${url}: the response has no body, expected a model`);
  return response.body;
};

/** The error for a web page in place of a model. */
export const html = (name: string, why: string): EdgewiseError => {
  const advice =
    "servers of single-page applications answer so for paths that they do not have; check the path";
  return new EdgewiseError(
    "invalid-model",
    `${name}: a web page came in place of a model (${why}); ${advice}`,
  );
};

const refused = ({ status, statusText }: Response, url: string): EdgewiseError => {
  const gone = status === 404 || status === 410;
  const answer = `${url}: the server answered ${status}${statusText && ` ${statusText}`}`;
  return new EdgewiseError(gone ? "not-found" : "io", `${answer}; ${advice(status)}`);
};

const advice = (status: number): string => {
  if (status === 404 || status === 410) return "check the path, and whether the file was deployed";
  if (status === 401 || status === 403)
    return "pass what it wants to know in `fetch.headers` or `fetch.credentials`";
  if (status === 429 || status >= 500) return "try again later";
  return "check the URL";
};

/** How many bytes will come: compressed ones are counted as they are sent, and other origins hide that they are. */
export const lengthOf = (response: Response): number | undefined =>
  response.type === "basic" || response.type === "default" ? sizeOf(response) : undefined;

/** How many bytes are sent, where nothing shows that they are compressed. It is good for comparing, not for trusting. */
export const sizeOf = (response: Response): number | undefined =>
  isEncoded(response) ? undefined : number(response.headers.get("Content-Length"));

const isEncoded = ({ headers }: Response): boolean =>
  (headers.get("Content-Encoding") ?? "identity") !== "identity";

export const versionOf = ({ headers }: Response): Version => {
  const [etag, modified] = [headers.get("ETag"), headers.get("Last-Modified")];
  return { ...(etag !== null && { etag }), ...(modified !== null && { modified }) };
};

/** What `If-Range` may say: a weak tag stands for bytes that are alike, not for the same ones. */
export const ifRange = ({ etag, modified }: Version): string | undefined =>
  etag === undefined || etag.startsWith("W/") ? modified : etag;

/** Whether two answers may be of one version: what only one of them says proves nothing. */
export const alike = (one: Version, other: Version): boolean => {
  const same = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined || a === b;
  return same(one.etag, other.etag) && same(one.modified, other.modified);
};

/** Whether a 206 is the rest behind `offset` of a resource of `size` bytes. */
export const goesOn = (response: Response, offset: number, size: number | undefined): boolean => {
  if (isEncoded(response)) return false;
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  const rest = sizeOf(response);
  // Other origins hide the range. Then the bytes that follow have to fill what is missing.
  if (range === null) return rest !== undefined && offset + rest === size;
  const [start, total] = [number(range[1]), number(range[3])];
  return start === offset && (size === undefined || total === undefined || total === size);
};

const number = (text: string | null | undefined): number | undefined =>
  text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
