// Says in the title what its service worker has read.
navigator.serviceWorker.addEventListener("message", ({ data }) => (document.title = data));
await navigator.serviceWorker.register("service-worker.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
active.postMessage("read");
