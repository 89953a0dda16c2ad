"""Reading and writing one conformance case.

A case is a folder: `model.onnx`, `test_data_set_N/{input,output}_K.pb` and `tol.txt`, which holds
"rtol atol". K counts the graph's own inputs and outputs in order. Integer outputs compare exactly
unless atol is at least 1; floats pass where |got - want| <= atol + rtol * |want|.
"""

import shutil
from pathlib import Path

from onnx import ModelProto, TensorProto, numpy_helper


def to_proto(value, info):
    """A value as the message that the backend-test layout stores for its declared type."""
    kind = info.type.WhichOneof("value")
    if isinstance(value, TensorProto):
        return value
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return numpy_helper.from_array(value, info.name)


def empty_folder(folder: Path) -> None:
    """A case starts from nothing: a file of an earlier run would be one input too many."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def write_model(folder: Path, model: ModelProto) -> None:
    empty_folder(folder)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def write_data_set(folder: Path, number: int, graph, inputs, outputs) -> None:
    target = folder / f"test_data_set_{number}"
    target.mkdir(parents=True, exist_ok=True)
    for kind, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
        for k, (value, info) in enumerate(zip(values, infos, strict=True)):
            (target / f"{kind}_{k}.pb").write_bytes(to_proto(value, info).SerializeToString())


def write_tolerance(folder: Path, rtol: float, atol: float) -> None:
    (folder / "tol.txt").write_text(f"{rtol:g} {atol:g}\n")
