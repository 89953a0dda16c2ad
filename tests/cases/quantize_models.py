#!/usr/bin/env python3
"""Quantize the float face detector and file classifier with onnxruntime's quantizer.

usage: quantize_models.py OUT_DIR --models DIR

Reads DIR/{ultraface_rfb320_simplified,magika_v3_3}.onnx; writes for each NAME
OUT_DIR/NAME_qdq.onnx      static QDQ: activations u8, weights i8 for each channel, MinMax
OUT_DIR/NAME_dynint8.onnx  dynamic: weights i8, activations quantized at run time
and runs each once.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from model_inputs import data_sets, fed_inputs

MODELS = {"ultraface": "ultraface_rfb320_simplified.onnx", "magika": "magika_v3_3.onnx"}
OPSET = 13  # the first in which QuantizeLinear takes a scale for each channel
SEED, SAMPLES = 7, 4


def flatten_biases(model) -> None:
    """Biases of shape [1, N] become [N]: the quantizer scales each index of their first axis."""
    biases = {
        node.input[2] for node in model.graph.node if node.op_type == "Gemm" and len(node.input) > 2
    }
    for x in model.graph.initializer:
        if x.name in biases and len(x.dims) == 2 and x.dims[0] == 1:
            del x.dims[0]


class Samples(CalibrationDataReader):
    def __init__(self, model):
        self.left = data_sets(model, SEED, SAMPLES)

    def get_next(self):
        return next(self.left, None)


def quantize(source: Path, name: str, out: Path, scratch: Path) -> list[Path]:
    model = onnx.load(source)
    version = next(o.version for o in model.opset_import if o.domain == "")
    if version < OPSET:
        model = version_converter.convert_version(model, OPSET)
    # Old exporters list weights as inputs, which makes them no constants.
    inputs = fed_inputs(model)
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    ready = scratch / f"{name}.onnx"
    onnx.save(model, ready)
    quant_pre_process(ready, ready, skip_symbolic_shape=True)
    model = onnx.load(ready)
    flatten_biases(model)
    onnx.save(model, ready)
    static, dynamic = out / f"{name}_qdq.onnx", out / f"{name}_dynint8.onnx"
    quantize_static(
        ready,
        static,
        Samples(model),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    quantize_dynamic(ready, dynamic, per_channel=True, weight_type=QuantType.QInt8)
    return [static, dynamic]


def deviation(float_model: Path, quantized: Path) -> float:
    """How far the quantized model is from its original, as a share of the output's range."""
    feed = next(data_sets(onnx.load(float_model), SEED + 1))
    want, got = (
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feed)
        for path in (float_model, quantized)
    )
    return max(float(np.abs(a - b).max() / np.ptp(a)) for a, b in zip(want, got, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--models", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    ort.set_default_logger_severity(3)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, file in MODELS.items():
        source = args.models / file
        if not source.is_file():
            print(f"{file}: not in {args.models}, so its quantized forms are not made")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            for path in quantize(source, name, args.out, Path(scratch)):
                print(
                    f"{path.name}: {path.stat().st_size} bytes, "
                    f"{deviation(source, path):.1%} of the range from the float model"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
