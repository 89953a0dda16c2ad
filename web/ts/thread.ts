// One of the module's threads, as a worker: it is given the module and its memory, and then works for whoever runs
// a session there.

import init, { loseThread, serve } from "#module";

addEventListener("message", async ({ data: { module, memory } }) => {
  await init({ module_or_path: module, memory });
  postMessage("here");
  try {
    serve();
  } catch (error) {
    // It may have had work in hand that somebody waits for.
    loseThread();
    throw error;
  }
  close();
});
