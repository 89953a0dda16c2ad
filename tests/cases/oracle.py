"""onnxruntime as the oracle: on the CPU and without graph optimizations, which change results."""

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

ort.set_default_logger_severity(4)  # its complaints come as exceptions too

UNFIT_PROCESSOR = 77  # the exit code that says: skip this, it cannot be done here


def open_session(model, threads: int = 0) -> ort.InferenceSession:
    """A session on a model's path or bytes."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def require_exact_products() -> None:
    """Refuses a processor on which onnxruntime's products of u8 and i8 saturate.

    Without a dot product instruction such as VNNI it adds pairs of products in 16 bits, and every
    expected output of a quantized matrix product would be wrong.
    """
    a, b = np.full((1, 64), 255, np.uint8), np.full((64, 1), -128, np.int8)
    infos = [
        helper.make_tensor_value_info("a", TensorProto.UINT8, a.shape),
        helper.make_tensor_value_info("b", TensorProto.INT8, b.shape),
    ]
    result = helper.make_tensor_value_info("y", TensorProto.INT32, (1, 1))
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "exact", infos, [result]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    got = open_session(model.SerializeToString()).run(None, {"a": a, "b": b})[0]
    if int(got[0, 0]) != 64 * 255 * -128:
        print("onnxruntime saturates u8 * i8 on this processor; use one with VNNI or SDOT")
        raise SystemExit(UNFIT_PROCESSOR)
