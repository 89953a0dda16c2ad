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

let session;
let given = { model: $("shipped").value, external: [] };
let loading = new AbortController();

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

const load = guarded(async () => {
  loading.abort();
  const mine = (loading = new AbortController());
  $("cancel").disabled = false;
  $("stage").value = "Loading…";
  const began = performance.now();
  try {
    await forget();
    const options = { signal: mine.signal, progress, externalData: externalData(given.external) };
    const opened = await open(given.model, $("place").value, options);
    if (mine.signal.aborted) return await opened.release();
    session = opened;
    $("stage").value = `Loaded in ${milliseconds(performance.now() - began)}.`;
    $("progress").value = 1;
    showSummary(session, await session.summary());
    showInputs(session);
  } catch (error) {
    if (mine === loading) $("progress").value = 0;
    if (mine === loading) $("stage").value = error.code === "cancelled" ? "Cancelled." : "Not loaded.";
    throw error;
  } finally {
    if (mine === loading) $("cancel").disabled = true;
  }
});

const busy = (act) =>
  guarded(async () => {
    const buttons = ["run", "profile", "compare"].map($);
    buttons.forEach((button) => (button.disabled = true));
    try {
      await act();
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  });

/** The page gets a turn after each run, so that one sees how far it is. */
const turn = (total) => async (done) => {
  $("stage").value = `${done} of ${total} runs`;
  await new Promise((next) => setTimeout(next));
};

const count = () => Math.min(1000, Math.max(1, Math.floor($("count").valueAsNumber) || 1));

const run = busy(async () => {
  const feeds = feedsOf(session);
  // The first run plans for these sizes, which is not what the others pay for.
  const [first] = await timed(1, () => session.run(feeds));
  let results;
  const runs = count();
  const times = await timed(runs, async () => (results = await session.run(feeds)), turn(runs));
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
$("cancel").addEventListener("click", () => loading.abort());
$("form").addEventListener("submit", (event) => (event.preventDefault(), run()));
$("profile").addEventListener(
  "click",
  busy(() => profile(session, feedsOf(session), count())),
);
$("compare").addEventListener(
  "click",
  busy(() => compare(given, feedsOf(session), count())),
);
choose(guarded(take));
load();
