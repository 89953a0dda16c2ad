"""onnxruntime in a process of its own; talks as the Rust engines do (see runner/src/lib.rs)."""

import argparse
import ctypes
import glob
import importlib.util
import json
import os
import sys
import time

import numpy

DTYPES = {
    "f32": "float32", "f64": "float64", "f16": "float16", "bool": "bool",
    "i8": "int8", "u8": "uint8", "i16": "int16", "u16": "uint16",
    "i32": "int32", "u32": "uint32", "i64": "int64", "u64": "uint64",
}  # fmt: skip
SHORT = {long: short for short, long in DTYPES.items()}
FEWEST = 3


def load_library():
    """Milliseconds to load onnxruntime's own shared library, as a program that links it would."""
    home = os.path.dirname(importlib.util.find_spec("onnxruntime").origin)
    began = time.perf_counter()
    for library in glob.glob(os.path.join(home, "capi", "libonnxruntime.so.*")):
        ctypes.CDLL(library)
    return (time.perf_counter() - began) * 1e3


def read_folder(folder):
    with open(os.path.join(folder, "tensors.json"), encoding="utf-8") as file:
        index = json.load(file)
    with open(os.path.join(folder, "tensors.bin"), "rb") as file:
        for tensor in index:
            flat = numpy.frombuffer(bytearray(file.read(tensor["bytes"])), DTYPES[tensor["dtype"]])
            yield tensor["name"], flat.reshape(tensor["dims"])


def write_folder(folder, names, arrays):
    os.makedirs(folder, exist_ok=True)
    index = []
    with open(os.path.join(folder, "tensors.bin"), "wb") as file:
        for name, array in zip(names, arrays):
            file.write(array.tobytes())
            about = {"dtype": SHORT[array.dtype.name], "dims": array.shape, "bytes": array.nbytes}
            index.append({"name": name, **about})
    with open(os.path.join(folder, "tensors.json"), "w", encoding="utf-8") as file:
        json.dump(index, file)


def say(line):
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--outputs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--most", type=int, default=sys.maxsize)
    parser.add_argument("--plain", action="store_true", help="without graph optimizations")
    args = parser.parse_args()
    say("up")
    library_ms = load_library()
    import onnxruntime

    inputs = dict(read_folder(args.inputs))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if args.plain:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    say("idle")
    sys.stdin.readline()

    began = time.perf_counter()
    session = onnxruntime.InferenceSession(args.model, options, ["CPUExecutionProvider"])
    feeds = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in inputs.items()}
    names = [output.name for output in session.get_outputs()]
    load_ms = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    outputs = session.run_with_ort_values(names, feeds)
    first_ms = (time.perf_counter() - began) * 1e3
    say("first")

    if args.outputs:
        write_folder(args.outputs, names, [output.numpy() for output in outputs])
    wall_ms, cpu_ms = [], []
    began = time.perf_counter()
    while len(wall_ms) < args.most and (
        len(wall_ms) < FEWEST or time.perf_counter() - began < args.seconds
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        outputs = session.run_with_ort_values(names, feeds)
        cpu_ms.append((time.process_time() - cpu) * 1e3)
        wall_ms.append((time.perf_counter() - wall) * 1e3)
    say(
        json.dumps(
            {
                "library_ms": library_ms,
                "load_ms": load_ms,
                "first_ms": first_ms,
                "wall_ms": wall_ms,
                "cpu_ms": cpu_ms,
            }
        )
    )


main()
