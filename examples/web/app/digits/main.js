// Reads digits while they are drawn.
//
// What a reader would get wrong: a run may take longer than the next stroke. There is one run at a time, and it is of
// the picture as it is when the run begins; pictures in between are never run.
import { Tensor } from "edgewise";
import { barChart } from "../shared/chart.js";
import { $, facts, make } from "../shared/dom.js";
import { median, milliseconds, percent } from "../shared/numbers.js";
import { guarded } from "../shared/page.js";
import { hasGpu, open, PLACES } from "../shared/sessions.js";
import { padOf, STROKES } from "./pad.js";
import { prepare, SIZE } from "./prepare.js";

const MODEL = "models/digits_int8.onnx";
const REMEMBERED = 50;

let opening;
let times = [];
let [running, changed] = [false, false];

const place = () => document.querySelector("[name=place]:checked").value;

const choose = guarded(async () => {
  const old = opening;
  times = [];
  opening = open(MODEL, place());
  // Whoever waits for it hears of it.
  opening.catch(() => {});
  await old?.then((session) => session.release()).catch(() => {});
  await opening;
  await read();
});

/** Reads what is drawn, and again as long as it changes meanwhile. */
const read = guarded(async () => {
  changed = true;
  if (running || !opening) return;
  running = true;
  try {
    while (changed) {
      changed = false;
      await once(await opening);
    }
  } finally {
    running = false;
  }
});

const once = async (session) => {
  const cells = prepare(pad.image());
  showSeen(cells);
  if (!cells) return showScores(new Float32Array(10), "nothing yet");
  const began = performance.now();
  const { probabilities } = await session.run({ image: new Tensor("float32", cells, [1, 1, SIZE, SIZE]) });
  times = [...times.slice(1 - REMEMBERED), performance.now() - began];
  const scores = probabilities.data;
  showScores(scores, String(scores.indexOf(Math.max(...scores))));
};

const showScores = (scores, answer) => {
  $("answer").value = answer;
  const best = Math.max(...scores);
  const rows = [...scores].map((value, digit) => ({
    label: String(digit),
    value,
    text: percent(value),
    best: value > 0 && value === best,
  }));
  $("scores").replaceChildren(barChart("Scores", rows, { start: 7, end: 17, most: 1 }));
  if (times.length === 0) return;
  $("facts").replaceChildren(
    facts([
      ["Runs on", PLACES[place()].name],
      ["Median", milliseconds(median(times))],
      ["Runs", String(times.length)],
    ]),
  );
};

const showSeen = (cells = new Float32Array(SIZE * SIZE)) => {
  const image = new ImageData(SIZE, SIZE);
  cells.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
  $("seen").getContext("2d").putImageData(image, 0, 0);
};

const pad = padOf($("pad"), () => read());
$("clear").addEventListener("click", pad.clear);
STROKES.forEach((path, digit) => {
  const click = () => pad.stroke(path);
  $("examples").append(
    make("button", { type: "button", "aria-label": `Draw a ${digit}`, click }, String(digit)),
  );
});
document.querySelectorAll("[name=place]").forEach((radio) => radio.addEventListener("change", choose));
document.querySelector("[value=gpu]").disabled = !(await hasGpu());
await choose();
