"""Train the digits model and write every generated file of this package.

    python train.py

Writes digits_fp32.onnx, digits_int8.onnx and heldout.npz next to this file and
updates the checksums and measured counts in edgewise.toml. Every random choice
derives from the two seeds, so the same machine writes the same bytes each time.
"""

import hashlib
import logging
import os
import re
from pathlib import Path

# One thread keeps the order of floating-point sums, and so the bytes, fixed.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from preprocess import preprocess

HERE = Path(__file__).resolve().parent
SPLIT_SEED = 0  # which samples are held out
SEED = 1  # initial weights, sample order and augmentation
HELD_OUT = 500
EPOCHS = 80
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-3
CALIBRATION = 256
INK_MAX = 16  # the data set stores ink as 0..16
# Two steps of the int8 logits near an even split are a margin of about 0.18;
# above that, neither summation order nor rounding can change an answer.
MIN_MARGIN = 0.2


# --- Data ---------------------------------------------------------------------


def load_data():
    """Return train and held-out (images u8 [N,1,8,8] in 0..16, labels u8)."""
    digits = load_digits()
    images = digits.images.astype(np.uint8)[:, None]
    labels = digits.target.astype(np.uint8)
    split = train_test_split(
        images, labels, test_size=HELD_OUT, stratify=labels, random_state=SPLIT_SEED
    )
    train_x, held_x, train_y, held_y = map(np.ascontiguousarray, split)
    return (train_x, train_y), (held_x, held_y)


def as_input(images):
    """Scale stored images to the model's 0..1 range (exact in float32)."""
    return images.astype(np.float32) / np.float32(INK_MAX)


def augment(x, rng):
    """Rotate, scale and shift each image a little (bilinear, zero outside)."""
    n, _, size, _ = x.shape
    angle = rng.uniform(-0.2, 0.2, n)
    zoom = 1 / rng.uniform(0.85, 1.1, n)
    shift = rng.uniform(-1, 1, (2, n, 1, 1))
    center = (size - 1) / 2
    row, col = np.indices((size, size)) - center
    cos = (zoom * np.cos(angle))[:, None, None]
    sin = (zoom * np.sin(angle))[:, None, None]
    # Where each output pixel comes from, in a copy padded by one zero pixel.
    y = np.clip(cos * row - sin * col + center + shift[0], -1, size) + 1
    z = np.clip(sin * row + cos * col + center + shift[1], -1, size) + 1
    y0 = np.minimum(y.astype(int), size)
    z0 = np.minimum(z.astype(int), size)
    fy, fz = y - y0, z - z0
    padded = np.pad(x[:, 0], ((0, 0), (1, 1), (1, 1)))
    k = np.arange(n)[:, None, None]
    top = (1 - fz) * padded[k, y0, z0] + fz * padded[k, y0, z0 + 1]
    low = (1 - fz) * padded[k, y0 + 1, z0] + fz * padded[k, y0 + 1, z0 + 1]
    return ((1 - fy) * top + fy * low)[:, None].astype(np.float32)


# --- Network ------------------------------------------------------------------


def initial_weights(rng):
    """He-initialized weights; biases start at zero."""
    shapes = {
        "conv1": (16, 1, 3, 3),
        "conv2": (32, 16, 3, 3),
        "conv3": (32, 32, 3, 3),
        "dense": (10, 32 * 4 * 4),
    }
    weights = {}
    for layer, shape in shapes.items():
        spread = np.sqrt(2 / np.prod(shape[1:]))
        drawn = rng.standard_normal(shape) * spread
        weights[f"{layer}.weight"] = drawn.astype(np.float32)
        weights[f"{layer}.bias"] = np.zeros(shape[0], np.float32)
    return weights


def conv_forward(x, weight, bias):
    """3x3 convolution with zero padding; also returns the unfolded input."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)
    out = columns @ weight.reshape(len(weight), -1).T + bias
    return out.reshape(n, h, w, -1).transpose(0, 3, 1, 2), columns


def conv_backward(grad, columns, weight):
    """Gradients of a 3x3 convolution: (input, weight, bias)."""
    n, out, h, w = grad.shape
    c = weight.shape[1]
    flat = grad.transpose(0, 2, 3, 1).reshape(-1, out)
    grad_weight = (flat.T @ columns).reshape(weight.shape)
    back = (flat @ weight.reshape(out, -1)).reshape(n, h, w, c, 3, 3)
    grad_x = np.zeros((n, c, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            grad_x[:, :, i : i + h, j : j + w] += back[..., i, j].transpose(0, 3, 1, 2)
    return grad_x[:, :, 1:-1, 1:-1], grad_weight, flat.sum(0)


def loss_gradients(p, x, labels):
    """Forward and backward pass: gradients of the mean cross entropy."""
    n = len(x)
    a1, cols1 = conv_forward(x, p["conv1.weight"], p["conv1.bias"])
    r1 = np.maximum(a1, 0)
    a2, cols2 = conv_forward(r1, p["conv2.weight"], p["conv2.bias"])
    r2 = np.maximum(a2, 0)
    tiles = r2.reshape(n, 32, 4, 2, 4, 2)
    pooled = tiles.max((3, 5))
    a3, cols3 = conv_forward(pooled, p["conv3.weight"], p["conv3.bias"])
    flat = np.maximum(a3, 0).reshape(n, -1)
    logits = flat @ p["dense.weight"].T + p["dense.bias"]

    e = np.exp(logits - logits.max(1, keepdims=True))
    delta = e / e.sum(1, keepdims=True)
    delta[np.arange(n), labels] -= 1
    delta /= n

    g = {"dense.weight": delta.T @ flat, "dense.bias": delta.sum(0)}
    d3 = (delta @ p["dense.weight"]).reshape(a3.shape) * (a3 > 0)
    dpool, g["conv3.weight"], g["conv3.bias"] = conv_backward(d3, cols3, p["conv3.weight"])
    # Tied maxima share the gradient; ReLU makes ties (all zero) common.
    winners = tiles == pooled[:, :, :, None, :, None]
    share = dpool / winners.sum((3, 5))
    d2 = (winners * share[:, :, :, None, :, None]).reshape(a2.shape) * (a2 > 0)
    dr1, g["conv2.weight"], g["conv2.bias"] = conv_backward(d2, cols2, p["conv2.weight"])
    _, g["conv1.weight"], g["conv1.bias"] = conv_backward(dr1 * (a1 > 0), cols1, p["conv1.weight"])
    return g


def train(images, labels):
    """Adam with a cosine schedule and decoupled weight decay."""
    rng = np.random.default_rng(SEED)
    p = initial_weights(rng)
    mean = {k: np.zeros_like(v) for k, v in p.items()}
    square = {k: np.zeros_like(v) for k, v in p.items()}
    x = as_input(images)
    steps = EPOCHS * (len(x) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(len(x) // BATCH):
            pick = order[i * BATCH : (i + 1) * BATCH]
            batch = x[pick]
            # Half of each batch stays as it was written.
            batch[::2] = augment(batch[::2], rng)
            grads = loss_gradients(p, batch, labels[pick])
            rate = np.float32(LEARNING_RATE * (1 + np.cos(np.pi * step / steps)) / 2)
            step += 1
            for k, g in grads.items():
                mean[k] += 0.1 * (g - mean[k])
                square[k] += 0.001 * (g * g - square[k])
                m = mean[k] / np.float32(1 - 0.9**step)
                s = square[k] / np.float32(1 - 0.999**step)
                decay = WEIGHT_DECAY if k.endswith("weight") else 0.0
                p[k] -= rate * (m / (np.sqrt(s) + 1e-8) + decay * p[k])
    return p


# --- Export -------------------------------------------------------------------


def conv_relu(name, source, out):
    """Nodes of one padded 3x3 convolution and its ReLU."""
    return [
        helper.make_node(
            "Conv",
            [source, f"{name}.weight", f"{name}.bias"],
            [f"{name}.out"],
            name=name,
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
        ),
        helper.make_node("Relu", [f"{name}.out"], [out], name=out),
    ]


def export_fp32(p, path):
    """Write the trained network as an ONNX model."""
    pool = helper.make_node(
        "MaxPool", ["relu2"], ["pool"], name="pool", kernel_shape=[2, 2], strides=[2, 2]
    )
    nodes = [
        *conv_relu("conv1", "image", "relu1"),
        *conv_relu("conv2", "relu1", "relu2"),
        pool,
        *conv_relu("conv3", "pool", "relu3"),
        helper.make_node("Flatten", ["relu3"], ["flat"], name="flatten", axis=1),
        helper.make_node(
            "Gemm",
            ["flat", "dense.weight", "dense.bias"],
            ["logits"],
            name="dense",
            transB=1,
        ),
        helper.make_node("Softmax", ["logits"], ["probabilities"], name="softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(v, k) for k, v in p.items()],
    )
    save(helper.make_model(graph), path)


def export_int8(source, path, calibration):
    """Write the statically quantized model: u8 activations, i8 weights."""

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = iter(calibration)

        def get_next(self):
            image = next(self.left, None)
            return None if image is None else {"image": image[None]}

    # The tool's hint to optimize first does not matter for a graph this small.
    logging.getLogger().setLevel(logging.ERROR)
    quantize_static(
        source,
        path,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # Quantized probabilities would tie whenever the model is sure.
        nodes_to_exclude=["softmax"],
    )
    save(onnx.load(path), path)


def save(model, path):
    """Check a model and write it with fixed versions and no tool traces."""
    model.ir_version = 8
    model.producer_name = "edgewise-zoo"
    model.producer_version = ""
    del model.metadata_props[:]
    # The quantizer removes ReLU nodes but keeps their shapes; drop them all.
    del model.graph.value_info[:]
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 17))
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


# --- Checks and records -------------------------------------------------------


def predict(path, x, level=ort.GraphOptimizationLevel.ORT_DISABLE_ALL):
    """Probabilities from onnxruntime, by default without graph optimization."""
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"image": x})[0]


def measure(path, x, labels):
    """Count correct answers and insist that no sample is close to a tie."""
    found = predict(path, x)
    fused = predict(path, x, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    answers = found.argmax(1)
    top = np.sort(found, axis=1)
    correct = int((answers == labels).sum())
    margin = float((top[:, -1] - top[:, -2]).min())
    print(f"{path.name}: {correct} of {len(x)}, smallest margin {margin:.6f}")
    assert margin > MIN_MARGIN, "near tie: choose another SEED"
    assert (fused.argmax(1) == answers).all(), "answer depends on rounding: choose another SEED"
    return correct


def check_preprocess(images):
    """Held-out samples shown as pictures must come back unchanged."""
    for image in images[:, 0]:
        shown = np.round(image * (255 / INK_MAX)).astype(np.uint8)
        expected = shown.astype(np.float32) / np.float32(255)
        large = np.kron(shown, np.ones((12, 12), np.uint8))
        assert (preprocess(Image.fromarray(shown))[0, 0] == expected).all()
        assert (preprocess(Image.fromarray(large))[0, 0] == expected).all()


def record(variant, values):
    """Set keys of one [variant.*] table in edgewise.toml."""
    manifest = HERE / "edgewise.toml"
    before, head, rest = manifest.read_text().partition(f"[variant.{variant}]\n")
    assert head, f"edgewise.toml has no [variant.{variant}]"
    for key, value in values.items():
        rest, hits = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", rest, count=1)
        assert hits, f"[variant.{variant}] has no {key}"
    manifest.write_text(before + head + rest)


def main():
    (train_x, train_y), (held_x, held_y) = load_data()
    check_preprocess(held_x)
    weights = train(train_x, train_y)

    fp32, int8 = HERE / "digits_fp32.onnx", HERE / "digits_int8.onnx"
    export_fp32(weights, fp32)
    export_int8(fp32, int8, as_input(train_x[:CALIBRATION]))
    # Stored rather than deflated, so a reader needs no decompressor.
    np.savez(HERE / "heldout.npz", images=held_x, labels=held_y)

    for name, path in (("int8", int8), ("fp32", fp32)):
        correct = measure(path, as_input(held_x), held_y)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        record(name, {"sha256": f'"{digest}"', "correct": correct, "of": len(held_x)})


if __name__ == "__main__":
    main()
