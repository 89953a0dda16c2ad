// Finds faces in pictures that move.
//
// What a reader would get wrong: there is one frame under way at a time. Frames that come meanwhile are dropped, so
// what one sees is never older than one run.
import { barChart } from "../shared/chart.js";
import { $, facts } from "../shared/dom.js";
import { choose, modelOf } from "../shared/files.js";
import { median, milliseconds, percent } from "../shared/numbers.js";
import { guarded } from "../shared/page.js";
import { hasGpu } from "../shared/sessions.js";
import { fetchModel, keepModel, keptModel, openDetector } from "./model.js";
import { openSource, sizeOf } from "./source.js";

const REMEMBERED = 30;
const SHOW_MS = 250;

let [model, detector, source] = [];
let history = [];
let shown = 0;
// Whoever begins a loop ends the one before.
let turn = 0;

const chosen = (name) => document.querySelector(`[name=${name}]:checked`).value;

const draw = (frame, faces) => {
  const view = $("view");
  const [width, height] = sizeOf(frame);
  if (view.width !== width || view.height !== height) Object.assign(view, { width, height });
  const context = view.getContext("2d");
  context.drawImage(frame, 0, 0, width, height);
  Object.assign(context, { lineWidth: width / 160, strokeStyle: "#5eead4", fillStyle: "#5eead4" });
  context.font = `600 ${Math.max(12, width / 34)}px system-ui, sans-serif`;
  for (const { score, left, top, right, bottom } of faces) {
    context.beginPath();
    context.roundRect(
      left * width,
      top * height,
      (right - left) * width,
      (bottom - top) * height,
      width / 60,
    );
    context.stroke();
    context.fillText(percent(score), left * width, Math.max(20, top * height - width / 80));
  }
};

const step = async () => {
  const frame = source.frame(performance.now());
  if (!detector) return draw(frame, []);
  const { faces, stages } = await detector.find(frame, $("least").valueAsNumber);
  const began = performance.now();
  draw(frame, faces);
  const ended = performance.now();
  history = [...history.slice(1 - REMEMBERED), { ...stages, Draw: ended - began, ended }];
  if (ended - shown < SHOW_MS && source.moves) return;
  shown = ended;
  show(faces);
};

const show = (faces) => {
  const stages = ["Prepare", "Run", "Decode", "Draw"];
  const rows = stages.map((label) => {
    const value = median(history.map((one) => one[label]));
    return { label, value, text: milliseconds(value) };
  });
  const [first, last] = [history[0], history.at(-1)];
  const rate = history.length > 1 ? ((history.length - 1) * 1e3) / (last.ended - first.ended) : undefined;
  $("found").value = `${faces.length} ${faces.length === 1 ? "face" : "faces"}`;
  const sum = milliseconds(rows.reduce((sum, { value }) => sum + value, 0));
  $("rates").replaceChildren(
    facts([
      ["Frames per second", rate?.toFixed(1) ?? "–"],
      ["A frame", sum],
    ]),
  );
  $("stages").replaceChildren(barChart("Stages of a frame", rows, { start: 24, end: 26 }));
};

const loop = guarded(async () => {
  const mine = ++turn;
  history = [];
  while (mine === turn && source) {
    await step();
    if (!source.moves) return;
    await new Promise((next) => requestAnimationFrame(next));
  }
});

const progress = ({ loaded, total }) => total && ($("progress").value = loaded / total);

const load = guarded(async () => {
  if (!model) return loop();
  turn++;
  $("found").value = "Loading…";
  const old = detector;
  detector = undefined;
  await old?.release();
  try {
    detector = await openDetector(model, chosen("place"), progress);
    await keepModel(model);
  } catch (error) {
    $("found").value = "No model";
    throw error;
  } finally {
    loop();
  }
});

const change = guarded(async () => {
  turn++;
  $("media-field").hidden = chosen("source") !== "file";
  source?.close();
  source = undefined;
  source = await openSource(chosen("source"), $("media").files[0]);
  loop();
});

const listen = (name, act) =>
  document.querySelectorAll(`[name=${name}]`).forEach((radio) => radio.addEventListener("change", act));

listen("place", load);
listen("source", change);
$("media").addEventListener("change", change);
$("least").addEventListener("input", () => source && !source.moves && loop());
$("fetch").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(async () => {
    model = await fetchModel($("address").value);
    await load();
  })();
});
choose((files) => {
  ({ model } = modelOf(files));
  load();
});
document.querySelector("[value=gpu]").disabled = !(await hasGpu());
model = await keptModel().catch(() => undefined);
await change();
if (model) await load();
