// The service worker: keeps the application, so that it opens and runs without a network.
//
// What a reader would get wrong: of the package's four modules a browser needs one, and only the package knows which.
// So modules are kept as they pass here, and when a page tells that it had fetched one before this was in place.
importScripts("./files.js");

const NAME = `edgewise-example-${self.VERSION}`;

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(["./", ...self.FILES]);
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("edgewise-example-") && name !== NAME);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("message", (event) => {
  const keep = async ({ keep: urls, id }) => {
    const cache = await caches.open(NAME);
    const missing = [];
    for (const url of urls) if (!(await cache.match(url))) missing.push(url);
    await cache.addAll(missing);
    event.source.postMessage({ kept: id });
  };
  event.waitUntil(keep(event.data));
});

const answer = async (request) => {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
  if (kept) return kept;
  const response = await fetch(request);
  // The browser writes it down while the page reads it.
  if (response.ok && request.url.endsWith(".wasm")) cache.put(request, response.clone()).catch(() => {});
  return response;
};

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event.request));
});
