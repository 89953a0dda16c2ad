// The playground: takes a model, says what it is, runs it, and tells where the time went.
import { $, make } from "../shared/dom.js";
import { milliseconds } from "../shared/numbers.js";
import { guarded } from "../shared/page.js";
import { hasGpu, open, PLACES, timed } from "../shared/sessions.js";
import { compare } from "./compare.js";
import { choose, externalData, modelOf } from "../shared/files.js";
import { feedsOf, showInputs } from "./inputs.js";
import { showOutputs, showTimes } from "./outputs.js";
import { profile } from "./profile.js";
import { showSummary } from "./summary.js";

/** How long a run may hold the page: Cancel is heard, and the page drawn, in between. */
const BREATHE_MS = 16;

let session;
let given = { model: $("shipped").value, external: [] };
// What Cancel ends: loading, or runs.
let work = new AbortController();

const progress = ({ stage, loaded, total }) => {
  if (total) $("progress").value = loaded / total;
  else $("progress").removeAttribute("value");
  $("stage").value = `${stage}: ${loaded}${total ? ` of ${total}` : ""}`;
};

const forget = async () => {
  for (const id of ["summary", "inputs", "results", "profiled", "compared"]) $(id).hidden = true;
  const old = session;
  session = undefined;
  await old?.release();
};

/** Ends what is under way, and begins something else. */
const begin = () => {
  work.abort();
  $("cancel").disabled = false;
  return (work = new AbortController());
};

const load = guarded(async () => {
  const mine = begin();
  $("stage").value = "Loading…";
  const began = performance.now();
  try {
    await forget();
    const { signal } = mine;
    const options = { signal, progress, breathe: BREATHE_MS, externalData: externalData(given.external) };
    const opened = await open(given.model, $("place").value, options);
    if (mine.signal.aborted) return await opened.release();
    session = opened;
    $("stage").value = `Loaded in ${milliseconds(performance.now() - began)}.`;
    $("progress").value = 1;
    showSummary(session, await session.summary());
    showInputs(session);
  } catch (error) {
    if (mine === work) $("progress").value = 0;
    if (mine === work) $("stage").value = error.code === "cancelled" ? "Cancelled." : "Not loaded.";
    throw error;
  } finally {
    if (mine === work) $("cancel").disabled = true;
  }
});

const busy = (act) =>
  guarded(async () => {
    const buttons = ["run", "profile", "compare"].map($);
    const mine = begin();
    buttons.forEach((button) => (button.disabled = true));
    try {
      await act(feedsOf(session), count(), mine.signal);
    } catch (error) {
      if (error.code === "cancelled" && mine === work) $("stage").value = "Cancelled.";
      throw error;
    } finally {
      if (mine === work) $("cancel").disabled = true;
      buttons.forEach((button) => (button.disabled = false));
    }
  });

/** The page gets a turn after each run, so that one sees how far it is. */
const turn = (total) => async (done) => {
  $("stage").value = `${done} of ${total} runs`;
  await new Promise((next) => setTimeout(next));
};

const count = () => Math.min(1000, Math.max(1, Math.floor($("count").valueAsNumber) || 1));

const run = busy(async (feeds, runs, signal) => {
  const once = () => session.run(feeds, { signal });
  // The first run plans for these sizes, which is not what the others pay for.
  const [first] = await timed(1, once);
  let results;
  const times = await timed(runs, async () => (results = await once()), turn(runs));
  $("results").hidden = false;
  showTimes(first, times);
  showOutputs(results);
});

const take = (files) => {
  given = modelOf(files);
  $("shipped").value = "";
  load();
};

for (const [place, { name }] of Object.entries(PLACES))
  $("place").append(make("option", { value: place }, name));
hasGpu().then((has) => {
  for (const option of $("place").options) option.disabled = option.value.startsWith("gpu") && !has;
});
$("shipped").addEventListener("change", () => {
  given = { model: $("shipped").value, external: [] };
  load();
});
$("place").addEventListener("change", load);
$("load").addEventListener("click", load);
$("cancel").addEventListener("click", () => work.abort());
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
$("profile").addEventListener(
  "click",
  busy((...given) => profile(session, ...given)),
);
$("compare").addEventListener(
  "click",
  busy((...how) => compare(given, ...how)),
);
choose(guarded(take));
load();
