"""Inputs that mean something to a whole model: images, ids in the vocabulary, masks, caches.

What an input is follows from its name and type; sizes that the model leaves open are chosen here.
"""

import numpy as np
from onnx import helper

TEXT = 12  # tokens of a prompt or sentence
PAST = 16  # tokens already in the cache when one more is decoded


def fed_inputs(model):
    constant = {x.name for x in model.graph.initializer}
    return [x for x in model.graph.input if x.name not in constant]


def vocabulary(model, ids: str) -> int:
    """How many rows the table has that is read at `ids`."""
    shapes = {x.name: list(x.dims) for x in model.graph.initializer}
    source = {y: node for node in model.graph.node for y in node.output}
    for node in model.graph.node:
        if node.op_type in ("Gather", "GatherBlockQuantized") and node.input[1] == ids:
            table = node.input[0]
            while table in source:  # a quantized table comes through DequantizeLinear
                table = source[table].input[0]
            return shapes[table][0]
    raise ValueError(f"nothing is looked up at {ids}")


def image(r, shape):
    """Smooth color gradients with some noise, about -1 to 1, as most models want their pixels."""
    height, width = shape[-2:]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(2 * np.pi * (a * x + b * y + c)) for a, b, c in r.uniform(0, 3, (shape[1], 3))]
    return (np.stack(waves)[None] * 0.7 + r.normal(0, 0.15, shape)).astype(np.float32)


def sizes(info, tokens, past):
    """The shape of an input where the model names its dimensions instead of numbering them."""
    named = {"seq": tokens, "sequence": tokens, "past": past, "total": past + tokens}
    return [
        named.get(d.dim_param, 1) if not d.dim_value else d.dim_value
        for d in info.type.tensor_type.shape.dim
    ]


def value(model, info, r, tokens, past):
    name, shape = info.name, sizes(info, tokens, past)
    kind = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
    if name == "input_ids":
        return r.integers(0, vocabulary(model, name), shape).astype(kind)
    if name == "attention_mask":
        return np.ones(shape, kind)
    if name == "token_type_ids":
        return np.zeros(shape, kind)
    if name == "position_ids":
        return np.broadcast_to(np.arange(past, past + tokens, dtype=kind), shape).copy()
    if name.startswith("past_key_values"):
        return r.normal(0, 0.5, shape).astype(kind)
    if kind == np.int32:  # the bytes of a file; 256 is padding
        data = r.integers(0, 256, shape).astype(kind)
        data[:, shape[1] * 3 // 4 :] = 256
        return data
    if len(shape) == 4:
        return image(r, shape)
    raise ValueError(f"no rule for input {name} {kind} {shape}")


def data_sets(model, seed: int, count: int = 1):
    """`count` sets of inputs by name; a decoder gets a prompt and then a single token each time."""
    inputs = fed_inputs(model)
    decoder = any(x.name.startswith("past_key_values") for x in inputs)
    steps = [(TEXT, 0), (1, PAST)] if decoder else [(TEXT, 0)]
    for number in range(count):
        for tokens, past in steps:
            r = np.random.default_rng([seed, number, past])
            yield {x.name: value(model, x, r, tokens, past) for x in inputs}
