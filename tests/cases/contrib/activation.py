"""Gelu in its four fused forms, and BiasSoftmax."""

import ml_dtypes
import numpy as np

from .suite import AS_FLOAT32, rng

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16
SHORT = {F16: "half", BF16: "bfloat16", F64: "double"}
EDGES = np.array(
    [0, -0.0, 1e-30, -1e-30, 0.5, -0.5, 3, -3, 9, -9, 40, -40, 1e4, -1e4, 3e38, -3e38], F32
)


def cases(add):
    gelu(add)
    fast_gelu(add)
    quick_gelu(add)
    bias_gelu(add)
    bias_softmax(add)


def shapes(draw):
    """Shapes every elementwise operator should see, by name."""
    yield "scalar", draw()
    yield "one", draw(1)
    yield "vector", draw(37)
    yield "matrix", draw(5, 24)
    yield "three_axes", draw(2, 3, 20)
    yield "four_axes", draw(2, 3, 4, 5)
    yield "empty", draw(0, 4)
    yield "large", draw(3, 333)
    yield "wide_range", (draw(6, 40) * 20).astype(F32)
    yield "edges", EDGES


def gelu(add):
    r = rng("Gelu")
    draw = lambda *s: r.standard_normal(s).astype(F32)
    for name, x in shapes(draw):
        add("Gelu", name, [x])
    add("Gelu", "equal", [np.full((4, 9), -1.5, F32)])
    for dtype in (F16, BF16, F64):
        add("Gelu", SHORT[dtype], [draw(4, 33).astype(dtype)], oracle=AS_FLOAT32)


def fast_gelu(add):
    r = rng("FastGelu")
    draw = lambda *s: r.standard_normal(s).astype(F32)
    for name, x in shapes(draw):
        if x.ndim:
            add("FastGelu", name, [x])
    add("FastGelu", "bias", [draw(3, 5, 24), draw(24)], constant=(1,))
    add("FastGelu", "bias_fed", [draw(2, 17), draw(17)])
    add("FastGelu", "bias_edges", [np.stack([EDGES[:12]] * 2), draw(12)], constant=(1,))
    for dtype in (F16, BF16, F64):
        add("FastGelu", SHORT[dtype], [draw(4, 33).astype(dtype)], oracle=AS_FLOAT32)
        add(
            "FastGelu",
            f"{SHORT[dtype]}_bias",
            [draw(4, 33).astype(dtype), draw(33).astype(dtype)],
            constant=(1,),
            oracle=AS_FLOAT32,
        )


def quick_gelu(add):
    r = rng("QuickGelu")
    draw = lambda *s: r.standard_normal(s).astype(F32)
    for name, x in shapes(draw):
        add("QuickGelu", name, [x])
    for name, alpha in (("silu", 1.0), ("negative", -0.5), ("zero", 0.0), ("steep", 30.0)):
        add("QuickGelu", f"alpha_{name}", [draw(4, 17)], alpha=alpha)
    for dtype in (F16, BF16, F64):
        add("QuickGelu", SHORT[dtype], [draw(4, 33).astype(dtype)], oracle=AS_FLOAT32)


def bias_gelu(add):
    r = rng("BiasGelu")
    draw = lambda *s: r.standard_normal(s).astype(F32)
    for name, x in shapes(draw):
        if x.ndim:
            add("BiasGelu", name, [x, draw(x.shape[-1])], constant=(1,))
    add("BiasGelu", "bias_fed", [draw(2, 3, 16), draw(16)])
    add("BiasGelu", "bias_large", [draw(2, 16), draw(16) * 30], constant=(1,))
    for dtype in (F16, BF16, F64):
        add(
            "BiasGelu",
            SHORT[dtype],
            [draw(4, 33).astype(dtype), draw(33).astype(dtype)],
            constant=(1,),
            oracle=AS_FLOAT32,
        )


def softmax_of_sum(data, bias, is_inner_broadcast, axis=1):
    """The definition; no provider that runs on a CPU has this operator.

    The bias broadcasts as numpy's rules say. The attribute repeats what its shape shows: whether
    one bias serves neighboring rows (inner) or all biases are taken again and again (outer).
    """
    summed = data.astype(np.float64) + bias
    rows = summed.reshape(int(np.prod(data.shape[: axis % data.ndim])), -1)
    weights = np.exp(rows - rows.max(1, keepdims=True))
    return [(weights / weights.sum(1, keepdims=True)).reshape(data.shape).astype(data.dtype)]


def bias_softmax(add):
    def case(name, data, bias, inner, dtype=F32, spread=1.0, mask=None, **more):
        r = rng("BiasSoftmax", name)
        x = (r.standard_normal(data) * spread).astype(dtype)
        b = r.standard_normal(bias).astype(dtype) if mask is None else mask.astype(dtype)
        add("BiasSoftmax", name, [x, b], is_inner_broadcast=inner, oracle=softmax_of_sum, **more)

    last = {"axis": -1}
    case("inner", (2, 3, 4, 5), (2, 1, 1, 5), 1, **last)
    case("inner_axis3", (2, 3, 4, 5), (2, 1, 1, 5), 1, axis=3)
    case("inner_two_axes", (2, 3, 4, 5), (2, 3, 1, 5), 1, **last)
    case("outer", (2, 3, 4, 5), (1, 1, 4, 5), 0, **last)
    case("outer_low_rank", (2, 3, 4, 5), (4, 5), 0, **last)
    case("outer_three_axes", (2, 3, 4, 5), (1, 3, 4, 5), 0, axis=3)
    case("axis_default", (6, 7), (1, 7), 0)
    case("axis2_flattens", (2, 3, 4, 5), (1, 3, 4, 5), 0, axis=2)
    case("same_shape", (2, 3, 5), (2, 3, 5), 0, **last)
    case("row_of_one", (4, 1), (4, 1), 0, **last)
    case("long_row", (2, 1, 1031), (2, 1, 1031), 1, **last)
    case("large_scores", (3, 4, 9), (1, 4, 9), 0, spread=1e3, **last)
    case("equal_scores", (3, 4, 9), (3, 1, 9), 1, spread=0.0, **last)
    hides = np.where(np.arange(6) == 2, 0.0, -1e4).reshape(1, 1, 1, 6)
    case("mask_one_key", (1, 2, 3, 6), None, 1, mask=hides, **last)
    case("half", (2, 3, 4, 8), (2, 1, 1, 8), 1, dtype=F16, **last)
    case("half_outer", (2, 3, 4, 8), (1, 1, 4, 8), 0, dtype=F16, **last)
    case("double", (2, 3, 4, 8), (1, 1, 4, 8), 0, dtype=F64, **last)
