#!/usr/bin/env python3
"""Write a conformance case for each whole model, with onnxruntime on the CPU as the oracle.

usage: model_cases.py OUT_DIR MODEL...

OUT_DIR/<model>/: the model (a hard link where possible) with its external data, seeded inputs
(a decoder: a prompt on an empty cache, then one token on a cache of 16) and the outputs without
graph optimizations. atol is 1e-4 of the largest value for float models, 3 % of the range for
quantized ones; the larger of a model's outputs decides.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from caseio import empty_folder, write_data_set, write_tolerance
from model_inputs import data_sets, fed_inputs
from oracle import open_session, require_exact_products

SEED = 11
INTEGER = {"QuantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"}


def computes_in_integers(model) -> bool:
    """Whether activations are quantized: 4-bit weights alone still leave a float model."""
    for node in model.graph.node:
        levels = [a.i for a in node.attribute if a.name == "accuracy_level"]
        if node.op_type in INTEGER or node.op_type.startswith("QLinear") or 4 in levels:
            return True
    return False


def link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def link_model(source: Path, model, folder: Path) -> None:
    link(source, folder / "model.onnx")
    data = {ExternalDataInfo(x).location for x in model.graph.initializer if uses_external_data(x)}
    for name in data:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        link(source.parent / name, folder / name)


def tolerance(outputs, quantized: bool) -> float:
    if quantized:
        return max(0.03 * float(np.ptp(y)) for y in outputs)
    return max(1e-4 * float(np.abs(y).max()) for y in outputs)


def write(source: Path, out: Path) -> str:
    model = onnx.load(source, load_external_data=False)
    session = open_session(source)
    folder = out / source.stem
    empty_folder(folder)
    link_model(source, model, folder)
    # The files are numbered by the inputs that are fed; constants that old models list as inputs
    # come after them or are left out.
    infos = fed_inputs(model)
    order = [x.name for x in model.graph.input][: len(infos)]
    assert order == [x.name for x in infos], f"{source}: a constant stands before a fed input"
    shape = onnx.GraphProto(input=infos, output=model.graph.output)
    atol = 0.0
    for number, feed in enumerate(data_sets(model, SEED)):
        outputs = session.run([x.name for x in model.graph.output], feed)
        write_data_set(folder, number, shape, [feed[x.name] for x in infos], outputs)
        atol = max(atol, tolerance(outputs, computes_in_integers(model)))
    write_tolerance(folder, 0, atol)
    return f"{source.stem}: {number + 1} data sets, atol {atol:.3g}"


def main() -> int:
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    require_exact_products()
    for model in sys.argv[2:]:
        print(write(Path(model), Path(sys.argv[1])), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
