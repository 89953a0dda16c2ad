"""A case of one operator: its model, its expected outputs and its tolerance.

The oracle is onnxruntime on the CPU with optimizations off, or a numpy function that the case
brings along. With `oracle=AS_FLOAT32` onnxruntime computes other floats in float32 and the result
is rounded once: that is how types are covered for which it has no CPU kernel.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from oracle import open_session

CONTRIB = "com.microsoft"
AS_FLOAT32 = "as float32"
SIXTEEN_BIT = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
# What onnxruntime's Python interface takes and gives as arrays; the rest travels as constants
# and comes back through a Cast.
PLAIN = {
    np.dtype(t)
    for t in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "O")
}
# Types whose values all fit a type above.
READ_BACK = {
    TensorProto.BFLOAT16: TensorProto.FLOAT,
    TensorProto.INT4: TensorProto.INT8,
    TensorProto.UINT4: TensorProto.UINT8,
}


def onnx_type(array: np.ndarray) -> int:
    if array.dtype == object:
        return TensorProto.STRING
    return helper.np_dtype_to_tensor_dtype(array.dtype)


@dataclass
class Case:
    op: str
    name: str
    inputs: Sequence[np.ndarray | None]
    attributes: dict
    outputs: tuple[bool, ...]  # which outputs are asked for
    constant: frozenset[int]  # inputs that are initializers
    variant: str | None  # row of the operator's tolerance table
    oracle: Callable | str | None
    domain: str
    symbolic: bool  # graph inputs declare named dimensions
    types: dict[int, int] = field(default_factory=dict)  # of outputs that arrays do not show
    keep: dict[int, np.ndarray] = field(default_factory=dict)  # where an output is specified

    @property
    def folder(self) -> str:
        return f"test_{self.op}_{self.name}"

    def fed(self) -> list[int]:
        return [k for k, x in enumerate(self.inputs) if x is not None and k not in self.constant]

    def model(self, outputs, constant=None, inputs=None):
        """The case as a one-node model; `outputs` are the value infos of the asked outputs."""
        inputs = self.inputs if inputs is None else inputs
        constant = self.constant if constant is None else constant
        outputs = list(outputs)
        names = ["" if x is None else f"input_{k}" for k, x in enumerate(inputs)]
        found = iter(outputs)
        results = [next(found).name if asked else "" for asked in self.outputs]
        node = helper.make_node(self.op, names, results, domain=self.domain, **self.attributes)
        nodes, feeds, initializers = [node], [], []
        for k, mask in self.keep.items():  # a Where hides what the operator leaves open
            raw, hidden = f"raw_{k}", f"keep_{k}"
            node.output[:] = [raw if name == outputs[k].name else name for name in node.output]
            nodes.append(helper.make_node("Where", [hidden, raw, "nothing"], [outputs[k].name]))
            initializers.append(numpy_helper.from_array(mask, hidden))
        if self.keep:
            kind = next(x.dtype for x in inputs if x is not None)
            initializers.append(numpy_helper.from_array(np.zeros((), kind), "nothing"))
        for k, x in enumerate(inputs):
            if x is None:
                continue
            if k in constant:
                initializers.append(numpy_helper.from_array(x, names[k]))
            else:
                feeds.append(helper.make_tensor_value_info(names[k], onnx_type(x), self.dims(x, k)))
        graph = helper.make_graph(nodes, self.folder, feeds, outputs, initializers)
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=11)

    def dims(self, array, k):
        if self.symbolic:
            return [f"i{k}_d{d}" for d in range(array.ndim)]
        return array.shape

    def expected(self) -> list[np.ndarray]:
        if callable(self.oracle):
            answers = [np.asarray(y) for y in self.oracle(*self.inputs, **self.attributes)]
            for k, mask in self.keep.items():
                answers[k] = np.where(mask, answers[k], answers[k].dtype.type(0))
            return answers
        if self.oracle != AS_FLOAT32:
            return run_onnxruntime(self, self.inputs)
        other = (*SIXTEEN_BIT, np.dtype(np.float64))
        floats = [
            x.astype(np.float32) if x is not None and x.dtype in other else x for x in self.inputs
        ]
        own = next(x.dtype for x in self.inputs if x is not None and x.dtype in other)
        return [
            y.astype(own) if y.dtype == np.float32 and k not in self.types else y
            for k, y in enumerate(run_onnxruntime(self, floats))
        ]

    def build(self):
        """The model with typed outputs, the inputs that are fed and the expected outputs."""
        expected = self.expected()
        infos = []
        for k, y in enumerate(expected):
            dims = [f"o{k}_d{d}" for d in range(y.ndim)] if self.symbolic else y.shape
            infos.append(helper.make_tensor_value_info(f"output_{k}", onnx_type(y), dims))
        return self.model(infos), [self.inputs[k] for k in self.fed()], expected


def run_onnxruntime(case: Case, inputs) -> list[np.ndarray]:
    asked = [k for k, wanted in enumerate(case.outputs) if wanted]
    infos = [
        helper.make_tensor_value_info(f"output_{k}", case.types[k], None)
        if k in case.types
        else helper.make_empty_tensor_value_info(f"output_{k}")
        for k in range(len(asked))
    ]
    odd = {k for k, x in enumerate(inputs) if x is not None and x.dtype not in PLAIN}
    model = case.model(infos, case.constant | odd, inputs)
    for k in range(len(asked)):
        if case.types.get(k) in READ_BACK:
            model.graph.node.append(
                helper.make_node(
                    "Cast", [f"output_{k}"], [f"read_{k}"], to=READ_BACK[case.types[k]]
                )
            )
            model.graph.output[k].CopyFrom(helper.make_empty_tensor_value_info(f"read_{k}"))
    session = open_session(model.SerializeToString(), threads=1)
    feeds = {x.name: inputs[int(x.name.split("_")[1])] for x in model.graph.input}
    results = session.run(None, feeds)
    return [
        y.astype(helper.tensor_dtype_to_np_dtype(case.types[k])) if k in case.types else y
        for k, y in enumerate(results)
    ]


def evaluate(op, inputs, attributes, outputs=1):
    """onnxruntime's answer for one node, for oracles that prepare or finish something in numpy."""
    suite = Suite()
    suite.add(op, "oracle", inputs, outputs=outputs, **attributes)
    return run_onnxruntime(suite.cases[0], suite.cases[0].inputs)


class Suite:
    """Collects cases; each gets its own random stream, so that adding one changes no other."""

    def __init__(self):
        self.cases: list[Case] = []

    def add(
        self,
        op,
        name,
        inputs,
        *,
        outputs=1,
        constant=(),
        variant=None,
        oracle=None,
        domain=CONTRIB,
        types=None,
        keep=None,
        **attributes,
    ):
        asked = (True,) * outputs if isinstance(outputs, int) else tuple(map(bool, outputs))
        inputs = [None if x is None else np.asarray(x) for x in inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        present = frozenset(k for k in constant if k < len(inputs) and inputs[k] is not None)
        nth = sum(case.op == op for case in self.cases)
        case = Case(
            op,
            name,
            inputs,
            attributes,
            asked,
            present,
            variant,
            oracle,
            domain,
            symbolic=nth % 4 == 3 or bool(keep),
            types=types or {},
            keep=keep or {},
        )
        assert all(case.folder != other.folder for other in self.cases), case.folder
        self.cases.append(case)


def rng(*key) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(key).encode()))
