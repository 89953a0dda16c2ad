"""A small builder of ONNX graphs with seeded weights."""

import os

import numpy
import onnx
from onnx import helper, numpy_helper

F32 = numpy.float32


class Graph:
    def __init__(self, seed=0):
        self.nodes, self.weights, self.count = [], [], 0
        self.random = numpy.random.default_rng(seed)

    def name(self, prefix):
        self.count += 1
        return f"{prefix}_{self.count}"

    def weight(self, array, prefix="w"):
        name = self.name(prefix)
        self.weights.append(numpy_helper.from_array(numpy.asarray(array, order="C"), name))
        return name

    def ints(self, *numbers):
        return self.weight(numpy.array(numbers, numpy.int64))

    def scalar(self, number):
        return self.weight(numpy.array(number, F32))

    def op(self, kind, inputs, outputs=1, name=None, domain="", **attributes):
        """Adds a node; gives its output's name, or a list if there are several."""
        if isinstance(outputs, int):
            outputs = [self.name(kind.lower()) for _ in range(outputs)]
        name = name or self.name("n_" + kind)
        self.nodes.append(helper.make_node(kind, inputs, outputs, name, domain=domain, **attributes))
        return outputs[0] if len(outputs) == 1 else outputs

    def normal(self, *shape, scale=1.0):
        return (self.random.standard_normal(shape) * scale).astype(F32)

    def save(self, path, inputs, outputs, opset, contrib=False):
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", opset)]
        if contrib:
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=opsets, producer_name="edgewise-bench")
        model.ir_version = 8
        onnx.save(model, path)
        print(f"{path}: {os.path.getsize(path)} bytes")


def value(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)
