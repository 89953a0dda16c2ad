"""Cases for the com.microsoft operators, one module per family.

A family is a function `cases(add)` that calls `add(op, name, inputs, **attributes)` for every case.
"""

from importlib import import_module

FAMILIES = (
    "nbits",
    "gather",
    "matmul",
    "integer_matmul",
    "group_query",
    "group_query_cache",
    "multi_head",
    "attention",
    "rotary",
    "normalization",
    "embedding",
    "activation",
    "conv",
    "lstm",
    "qlinear",
    "qlinear_pool",
    "quantize",
    "tensor",
    "sampling",
)


def load_families():
    return [import_module(f"{__name__}.{family}") for family in FAMILIES]
