// A place to draw: dark ink on white paper, by mouse, pen or finger.
const INK = "#111";
const PEN = 22;

/** Makes a pad of the canvas; `drawn` is called whenever its picture has changed. */
export const padOf = (canvas, drawn) => {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let last;

  const clear = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    Object.assign(context, { strokeStyle: INK, lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    drawn();
  };

  // Where the pointer is, in the canvas's own pixels.
  const at = ({ offsetX, offsetY }) => [
    (offsetX * canvas.width) / canvas.clientWidth,
    (offsetY * canvas.height) / canvas.clientHeight,
  ];

  const line = (from, to) => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last);
    drawn();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) line(last, (last = at(one)));
    drawn();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = undefined));

  const stroke = (path) => {
    clear();
    context.stroke(new Path2D(path));
    drawn();
  };
  clear();
  return { clear, stroke, image: () => context.getImageData(0, 0, canvas.width, canvas.height) };
};

/** How each digit may be drawn, for those who have no pointer. */
export const STROKES = [
  "M128 36C60 36 60 220 128 220S196 36 128 36",
  "M92 84 132 40V216",
  "M76 88C80 30 176 30 176 90 176 130 90 170 76 212H184",
  "M80 60C110 25 176 40 170 85 166 118 130 122 112 122 150 122 186 140 180 175 172 225 100 222 76 190",
  "M140 40 68 150H188M148 100V216",
  "M176 44H92L86 112C120 92 184 104 180 160 176 222 104 224 78 192",
  "M164 44C100 70 72 130 78 170 84 226 176 224 178 168 178 112 96 112 80 160",
  "M74 46H180C150 100 130 150 120 216M90 136H160",
  "M128 40C70 40 70 118 128 122 190 126 190 216 128 216S66 126 128 122C186 118 186 40 128 40",
  "M176 92C170 36 84 34 80 90 78 142 168 146 176 92 178 130 170 190 150 216",
];
