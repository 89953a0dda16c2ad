// Searches notes by what they mean.
//
// What a reader would get wrong: a note becomes a point once. Only those that have changed since the last search are
// computed again.
import { $, make } from "../shared/dom.js";
import { milliseconds, percent } from "../shared/numbers.js";
import { guarded } from "../shared/page.js";
import { likeness, openModel } from "./model.js";

const NOTES = `Dentist on Tuesday at nine, bring the insurance card
The car needs new winter tires before November
Grandma's soup: leek, potatoes, a little cream, nutmeg
The train to the coast leaves every hour from platform four
Water the tomatoes in the evening, not at noon
Our wifi password is on the back of the router
Physiotherapy for the knee, twice a week until spring
Book a cabin in the mountains for the long weekend`;

let model;
let points = new Map();

const progress = ({ status, file, loaded, total }) => {
  $("stage").value = [status, file].filter(Boolean).join(" ");
  if (total) $("progress").value = loaded / total;
};

const load = guarded(async (files) => {
  $("ask").disabled = true;
  $("stage").value = "Loading…";
  const old = model;
  [model, points] = [undefined, new Map()];
  await old?.release();
  const began = performance.now();
  try {
    model = await openModel({ name: $("name").value, dtype: $("dtype").value, files, progress });
  } catch (error) {
    $("stage").value = "No model.";
    throw error;
  }
  $("stage").value = `Loaded in ${milliseconds(performance.now() - began)}.`;
  $("progress").value = 1;
  $("ask").disabled = false;
});

const search = guarded(async () => {
  const began = performance.now();
  const notes = [
    ...new Set(
      $("notes")
        .value.split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    ),
  ];
  const missing = notes.filter((note) => !points.has(note));
  const [query, ...made] = await model.embed([$("query").value, ...missing]);
  missing.forEach((note, i) => points.set(note, made[i]));
  const found = notes
    .map((note) => ({ note, like: likeness(query, points.get(note)) }))
    .sort((a, b) => b.like - a.like);
  $("found").replaceChildren(...found.slice(0, 5).map(item));
  $("took").textContent = `${missing.length + 1} texts in ${milliseconds(performance.now() - began)}`;
});

const item = ({ note, like }) => {
  const value = Math.max(0, like);
  return make("li", {}, note, make("meter", { value, "aria-label": "How alike" }, percent(value)));
};

$("notes").value = NOTES;
$("hub").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
$("folder").addEventListener("change", () => load([...$("folder").files]));
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (model) search();
});
