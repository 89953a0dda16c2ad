"""Turn a picture of one digit into the model's input.

The rule is written out in `edgewise.toml` under [preprocess]. Everything up to
the last division is integer arithmetic, so any implementation that follows the
rule gets the same 64 floats bit for bit.
"""

import numpy as np
from PIL import Image

SIZE = 8

# Rec. 601 luma (0.299, 0.587, 0.114) in units of 1/65536.
LUMA_R, LUMA_G, LUMA_B = 19595, 38470, 7471

# Pixel formats with 8 bits per channel or fewer; deeper ones are refused.
MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}


def to_gray(picture):
    """Return the picture as integers 0..255, shape [height, width]."""
    if picture.mode not in MODES:
        raise ValueError(f"unsupported pixel format {picture.mode}")
    rgba = np.asarray(picture.convert("RGBA")).astype(np.int64)
    red, green, blue, alpha = np.moveaxis(rgba, 2, 0)
    luma = (LUMA_R * red + LUMA_G * green + LUMA_B * blue + 32768) >> 16
    # Transparent areas are treated as white paper.
    return (luma * alpha + 255 * (255 - alpha) + 127) // 255


def invert_if_light_border(gray):
    """Make the ink light and the background dark."""
    inside = np.zeros(gray.shape, dtype=bool)
    inside[1:-1, 1:-1] = True
    border = gray[~inside]
    return 255 - gray if border.sum() > 127 * border.size else gray


def overlap(length):
    """Weights [SIZE, length]: how much of each cell each pixel covers.

    In units of 1/SIZE pixel, pixel k spans [SIZE*k, SIZE*(k+1)) and output cell
    i spans [length*i, length*(i+1)), so every overlap is a whole number and
    each row sums to `length`.
    """
    pixel = SIZE * np.arange(length)
    cell = length * np.arange(SIZE)[:, None]
    shared = np.minimum(cell + length, pixel + SIZE) - np.maximum(cell, pixel)
    return np.maximum(shared, 0)


def preprocess(picture):
    """Return the model input, float32 [1, 1, 8, 8] in 0..1, ink light."""
    gray = invert_if_light_border(to_gray(picture))
    height, width = gray.shape
    total = overlap(height) @ gray @ overlap(width).T
    scaled = total.astype(np.float64) / np.float64(255 * height * width)
    return scaled.astype(np.float32).reshape(1, 1, SIZE, SIZE)


def load(path):
    """Read an image file and preprocess it."""
    with Image.open(path) as picture:
        return preprocess(picture)
