// The worker of edgewise-worker.mjs: opens a session for a job, then calls what it is told to.
import { open } from "./edgewise.mjs";

let engine;

onmessage = async ({ data: { job, call } }) => {
  try {
    if (job) engine = await open({ ...job, model: fetch(job.model) });
    postMessage({ answer: call && (await engine[call]()) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
