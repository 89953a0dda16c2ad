// A picture of our own, for those who have no camera at hand: two faces that move, drawn anew for each moment.
const SKIN = [
  ["#f1c9a5", "#c98f68", "#3b2417"],
  ["#9c6b4a", "#6b4128", "#17110d"],
];

const oval = (context, x, y, width, height, fill) => {
  context.beginPath();
  context.ellipse(x, y, width, height, 0, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
};

const shade = (context, x, y, inner, outer, colors) => {
  const gradient = context.createRadialGradient(x, y, inner, x, y, outer);
  colors.forEach((color, i) => gradient.addColorStop(i / (colors.length - 1), color));
  return gradient;
};

const curve = (context, color, width, path) => {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineCap = "round";
  context.stroke(new Path2D(path));
};

/** One face of 2 units of height around the origin, 1 unit being 100 pixels. */
const face = (context, [light, dark, hair]) => {
  oval(context, 0, -18, 84, 108, hair);
  context.fillStyle = dark;
  context.fillRect(-30, 70, 60, 60);
  oval(context, 0, 0, 72, 98, shade(context, -12, -14, 10, 105, [light, light, dark]));
  for (const side of [-1, 1]) {
    oval(context, side * 74, 2, 10, 20, dark);
    oval(context, side * 29, -14, 19, 13, shade(context, side * 29, -14, 2, 20, [dark, light]));
    oval(context, side * 29, -12, 14, 8, "#f5f2ec");
    oval(context, side * 29, -12, 7, 7.5, "#33231a");
    oval(context, side * 29 - 2, -14, 2, 2, "#fff");
    curve(context, hair, 3, `M${side * 44} -13Q${side * 29} -25 ${side * 14} -12`);
    curve(context, hair, 6, `M${side * 47} -34Q${side * 30} -44 ${side * 13} -35`);
    oval(context, side * 8, 27, 4, 2.5, "#5a3526");
  }
  curve(context, dark, 4, "M-5 -12Q-12 16 -13 24Q0 34 13 24");
  oval(context, 0, 55, 25, 8, "#a6493f");
  curve(context, "#5e211d", 2.5, "M-26 54Q0 60 26 54");
  context.fillStyle = hair;
  context.fill(new Path2D("M-76 -20C-80 -120 80 -120 76 -20C66 -62 30 -76 0 -72C-34 -76 -62 -58 -76 -20Z"));
};

/** Draws it into a canvas, as it is at that time in milliseconds. */
export const drawScene = (canvas, time) => {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const ground = context.createLinearGradient(0, 0, width, height);
  ["#8fa7b8", "#5d7283", "#77695a"].forEach((color, i) => ground.addColorStop(i / 2, color));
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  SKIN.forEach((skin, i) => {
    const turn = time / 1500 + 2 * i;
    context.save();
    context.translate(width * (0.3 + 0.4 * i) + 30 * Math.cos(turn), height * 0.48 + 22 * Math.sin(turn));
    context.scale(1.05 - 0.25 * i, 1.05 - 0.25 * i);
    oval(context, 0, 230, 150, 120, i === 0 ? "#2f4858" : "#7a3b3b");
    face(context, skin);
    context.restore();
  });
};
