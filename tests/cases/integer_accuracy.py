#!/usr/bin/env python3
"""Hold quantized models against onnxruntime with all its graph optimizations: integers against integers.

usage: integer_accuracy.py EDGEWISE MODEL... [--inputs N]

For each output over N seeded inputs (default 16), prints the largest error in steps of the output's
scale, the share of elements that are exact, the cosine, and the largest error as a share of the range.
A model whose outputs are all dequantized at the very end must be within one step everywhere and exact
on 99 % of the elements; every other one needs a cosine of 0.999 and errors of at most 2 % of the range.
Ends with 1 if a model fails.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

from model_inputs import data_sets
from oracle import require_exact_products

SEED = 23
MOVERS = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"}
INTEGER = MOVERS | {
    "QuantizeLinear", "DequantizeLinear", "Conv", "Gemm", "MatMul", "Add", "Mul", "Relu", "Clip", "Concat",
    "MaxPool", "AveragePool", "GlobalAveragePool", "Softmax", "Sigmoid",
}  # fmt: skip


def output_steps(model):
    """The scale of each output that comes straight from DequantizeLinear, if all of the model is integer."""
    constants = {x.name: x for x in model.graph.initializer}
    makers = {y: node for node in model.graph.node for y in node.output}
    steps = {}
    for output in model.graph.output:
        node = makers[output.name]
        while node.op_type in MOVERS:
            node = makers[node.input[0]]
        if node.op_type != "DequantizeLinear":
            return None
        steps[output.name] = float(numpy_helper.to_array(constants[node.input[1]]))
    return steps if all(node.op_type in INTEGER for node in model.graph.node) else None


def ours(edgewise: str, model: Path, inputs: dict, folder: Path) -> dict:
    command = [edgewise, "run", str(model), "--out", str(folder / "out")]
    for number, (name, value) in enumerate(inputs.items()):
        np.save(folder / f"{number}.npy", value)
        command += ["--input", f"{name}={folder / f'{number}.npy'}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "out"


def compare(edgewise: str, path: Path, count: int) -> bool:
    model = onnx.load(path, load_external_data=False)
    steps = output_steps(model)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    pairs = {name: ([], []) for name in names}
    for inputs in data_sets(model, SEED, count):
        with tempfile.TemporaryDirectory() as folder:
            out = ours(edgewise, path, inputs, Path(folder))
            for name, want in zip(names, session.run(None, inputs)):
                got = np.load(out / f"{name.replace('/', '_')}.npy")
                assert got.shape == want.shape, f"{name}: {got.shape} for {want.shape}"
                pairs[name][0].append(got.ravel().astype(np.float64))
                pairs[name][1].append(want.ravel().astype(np.float64))
    passed = True
    for name, (got, want) in pairs.items():
        got, want = np.concatenate(got), np.concatenate(want)
        error = np.abs(got - want)
        cosine = float(got @ want / max(np.linalg.norm(got) * np.linalg.norm(want), 1e-30))
        share = float(error.max() / max(np.ptp(want), 1e-30))
        text = f"cosine {cosine:.6f}, largest error {share:.3%} of the range"
        if steps:
            off = np.rint(error / steps[name])
            exact = float((off == 0).mean())
            good = off.max() <= 1 and exact >= 0.99
            text += f", {off.max():.0f} steps at most, {exact:.3%} exact"
        else:
            good = cosine >= 0.999 and share <= 0.02
        passed &= bool(good)
        print(f"{'ok  ' if good else 'FAIL'} {path.stem} {name}: {text}", flush=True)
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("edgewise")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--inputs", type=int, default=16)
    args = parser.parse_args()
    require_exact_products()
    return 0 if all([compare(args.edgewise, model, args.inputs) for model in args.models]) else 1


if __name__ == "__main__":
    sys.exit(main())
