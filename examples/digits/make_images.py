"""Draw the example pictures and check that the int8 model reads them.

    python make_images.py            make the pictures and expected.npz
    python make_images.py --margins  measure how an empty margin hurts

Most pictures enlarge a held-out sample smoothly and sharpen it into strokes;
`strokes_four.png` and `strokes_seven.png` are drawn from lines instead. Sizes,
colors and pixel formats differ on purpose, so that together the pictures
exercise every pre-processing step. Also writes expected.npz: for each picture,
in order of file name, its model input and both variants' probabilities.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "models" / "zoo" / "digits"
sys.path.insert(0, str(MODEL))

from preprocess import load, preprocess
from train import predict

NAMES = "zero one two three four five six seven eight nine".split()

WHITE_ON_BLACK = ((0, 0, 0), (255, 255, 255))
BLACK_ON_WHITE = ((255, 255, 255), (0, 0, 0))
BLUE_ON_CREAM = ((250, 243, 224), (24, 48, 120))

# digit, which held-out sample of it (picked for legibility), width, height,
# (background, ink), pixel format
SAMPLES = [
    (0, 3, 64, 64, WHITE_ON_BLACK, "L"),
    (1, 4, 64, 64, WHITE_ON_BLACK, "L"),
    (2, 2, 96, 96, BLACK_ON_WHITE, "L"),
    (3, 6, 64, 64, WHITE_ON_BLACK, "L"),
    (4, 3, 100, 100, WHITE_ON_BLACK, "L"),
    (5, 5, 64, 64, WHITE_ON_BLACK, "L"),
    (6, 6, 96, 96, BLUE_ON_CREAM, "RGB"),
    (7, 0, 64, 64, WHITE_ON_BLACK, "L"),
    (8, 8, 90, 110, WHITE_ON_BLACK, "L"),
    (9, 1, 128, 128, BLACK_ON_WHITE, "RGBA"),
]

# Pen strokes on a 32x32 grid: digit -> polylines.
STROKES = {
    4: [[(18, 3), (7, 20), (26, 20)], [(20, 11), (19, 29)]],
    7: [[(7, 4), (25, 4), (14, 29)]],
}


def enlarge(sample, width, height):
    """Smooth strokes from one 8x8 sample: ink 0..1, shape [height, width]."""
    # A dark margin keeps strokes at the edge from being clamped outward.
    padded = np.pad(sample.astype(np.float32) / 16, 1)
    box = (1, 1, 9, 9)
    picture = Image.fromarray(padded).resize((width, height), Image.BICUBIC, box=box)
    # A steep ramp around half ink turns blur into a stroke with soft edges.
    return np.clip((np.asarray(picture) - 0.35) / 0.3, 0, 1)


def draw(lines, size):
    """Round-ended pen strokes: ink 0..1, shape [size, size]."""
    fine = 4 * size  # drawn large and reduced, for soft edges
    picture = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(picture)
    radius = 2 * fine / 32
    for line in lines:
        points = [(x * fine / 32, y * fine / 32) for x, y in line]
        pen.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = picture.resize((size, size), Image.BOX)
    return np.asarray(small).astype(np.float32) / 255


def paint(ink, colors, mode):
    """Color the ink; RGBA leaves the background transparent."""
    back, front = np.array(colors, dtype=np.float32)
    if mode == "RGBA":
        flat = np.broadcast_to(front, (*ink.shape, 3))
        pixels = np.dstack([flat, 255 * ink])
    else:
        pixels = back + ink[..., None] * (front - back)
    picture = Image.fromarray(np.round(pixels).astype(np.uint8))
    return picture if mode == "RGBA" else picture.convert(mode)


def measure_margins(images, labels):
    """Print int8's correct count with the digit ever smaller in the picture."""
    for margin in (0, 4, 8, 12, 16):
        inputs = []
        for sample in images:
            ink = np.pad(enlarge(sample, 64, 64), margin)
            inputs.append(preprocess(paint(ink, WHITE_ON_BLACK, "L")))
        scores = predict(MODEL / "digits_int8.onnx", np.concatenate(inputs))
        correct = (scores.argmax(1) == labels).sum()
        print(f"margin {margin:2}: {correct} of {len(labels)}")


def make_pictures(images, labels):
    """Write the pictures and expected.npz, and check the answers."""
    pictures = {}
    for digit, which, width, height, colors, mode in SAMPLES:
        ink = enlarge(images[labels == digit][which], width, height)
        pictures[f"{NAMES[digit]}.png"] = (digit, paint(ink, colors, mode))
    for digit, lines in STROKES.items():
        picture = paint(draw(lines, 64), WHITE_ON_BLACK, "L")
        pictures[f"strokes_{NAMES[digit]}.png"] = (digit, picture)

    files = sorted(pictures)
    for name in files:
        pictures[name][1].save(HERE / name, optimize=True)
    inputs = np.concatenate([load(HERE / name) for name in files])
    wanted = np.array([pictures[name][0] for name in files], np.uint8)
    found = {v: predict(MODEL / f"digits_{v}.onnx", inputs) for v in ("int8", "fp32")}
    for i, name in enumerate(files):
        answer = found["int8"][i].argmax()
        print(f"{name:18} {NAMES[answer]:6} {found['int8'][i].max():.3f}")
    for variant, scores in found.items():
        assert (scores.argmax(1) == wanted).all(), f"{variant} misreads a picture"
    np.savez(HERE / "expected.npz", inputs=inputs, labels=wanted, **found)


def main():
    with np.load(MODEL / "heldout.npz") as held:
        images, labels = held["images"][:, 0], held["labels"]
    if "--margins" in sys.argv[1:]:
        measure_margins(images, labels)
    else:
        make_pictures(images, labels)


if __name__ == "__main__":
    main()
