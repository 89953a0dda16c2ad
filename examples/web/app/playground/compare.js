// The same inputs in every place where a model can run, side by side: how long it takes, and how far results differ.
import { $, table } from "../shared/dom.js";
import { median, milliseconds, short } from "../shared/numbers.js";
import { open, PLACES, timed } from "../shared/sessions.js";
import { externalData } from "../shared/files.js";
import { numbersOf } from "./outputs.js";

const measure = async ({ model, external }, place, feeds, count, signal) => {
  const began = performance.now();
  const session = await open(model, place, { signal, externalData: externalData(external) });
  try {
    const loaded = performance.now() - began;
    const results = await session.run(feeds, { signal });
    const times = await timed(count, () => session.run(feeds, { signal }));
    return { place, loaded, results, times };
  } finally {
    await session.release();
  }
};

/** The largest difference between elements; 0 is the same bits, but for the sign of a zero. */
export const difference = (a, b) => {
  let most = 0;
  for (const [name, value] of Object.entries(a)) {
    const [ours, theirs] = [numbersOf(value), numbersOf(b[name])];
    if (!ours || !theirs) continue;
    for (let i = 0; i < ours.length; i++) {
      // Infinities and what is no number are alike where both have them.
      if (!Object.is(ours[i], theirs[i])) most = Math.max(most, Math.abs(ours[i] - theirs[i]));
    }
  }
  return most;
};

/** Measures them one after the other; a place that has no such device says so, and does not end the comparison. */
export const compare = async (given, feeds, count, signal) => {
  const rows = [];
  let first;
  $("compared").hidden = false;
  for (const place of Object.keys(PLACES)) {
    const { name } = PLACES[place];
    try {
      const { loaded, results, times } = await measure(given, place, feeds, count, signal);
      first ??= results;
      const differs = results === first ? "–" : short(difference(first, results));
      const [middle, fastest] = [median(times), Math.min(...times)].map(milliseconds);
      rows.push([name, milliseconds(loaded), middle, fastest, differs]);
    } catch (error) {
      if (error.code === "cancelled") throw error;
      rows.push([name, "–", "–", "–", `${error.code}: ${error.message}`]);
    }
    const titles = ["Where", "Load", "Median", "Fastest", "Largest difference from the first"];
    $("devices").replaceChildren(table(titles, rows));
  }
};
