// One of Edgewise's threads: threads.js starts it as a worker. It is given the module and its memory, and then
// works for whoever runs a session there.
import init, { loseThread, serve } from "./edgewise.js";

onmessage = async ({ data: { module, memory } }) => {
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
};
